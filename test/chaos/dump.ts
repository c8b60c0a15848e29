/** Everything that Redis holds of the queues of a run, read past the proxy. */

import type { createClient } from 'redis';
import { queueKeys } from '../../src/broker/redis/keys.ts';
import type { DumpEvent } from './history.ts';
import { LEASE_MS, NAMESPACE, QUEUES } from './settings.ts';

type Client = Awaited<ReturnType<ReturnType<typeof createClient>['connect']>>;

export async function dumpQueues(redis: Client): Promise<DumpEvent[]> {
  const dumps: DumpEvent[] = [];
  for (const queue of QUEUES) dumps.push(await dumpQueue(redis, queue));
  return dumps;
}

const COUNT_WAITING = `
  local ids, count = {}, 0
  local renewed = redis.call('TIME')[1] * 1000 + table.remove(ARGV, 1)
  local function look(records, all)
    for _, record in ipairs(records) do
      local id = string.sub(record, 2, 37)
      if (all or string.find(record, '"tag":', 1, true)) and not ids[id] then
        ids[id], count = true, count + 1
      end
    end
  end
  for _, prefix in ipairs(ARGV) do
    look(redis.call('ZRANGE', prefix .. 'delayed', 0, -1))
    look(redis.call('LRANGE', prefix .. 'suspects', 0, -1))
    for level = 0, 9 do look(redis.call('LRANGE', prefix .. 'ready:' .. level, 0, -1)) end
    local leases = redis.call('ZRANGE', prefix .. 'leases', 0, -1, 'WITHSCORES')
    for i = 1, #leases, 2 do
      look(redis.call('HVALS', prefix .. 'inflight:' .. leases[i]), tonumber(leases[i + 1]) < renewed)
    end
  end
  return count`;

/** A daemon that lives has renewed its lease in this time; the script, which counts whole seconds, looks at up to one more. */
const RENEWED_WITHIN_MS = 2_000;

/**
 * How many jobs of the producer wait or run, at one moment. With those of schedules that are in flight of a daemon that is gone: who waits
 * for none to be left could not wait for all of these, as each second brings new ones.
 */
export async function countWaiting(redis: Client): Promise<number> {
  const prefixes = QUEUES.map((queue) => queueKeys(NAMESPACE, queue).meta.slice(0, -'meta'.length));
  const renewed = String(LEASE_MS - RENEWED_WITHIN_MS);
  return Number(await redis.sendCommand(['EVAL', COUNT_WAITING, '0', renewed, ...prefixes]));
}

async function dumpQueue(redis: Client, queue: string): Promise<DumpEvent> {
  const keys = queueKeys(NAMESPACE, queue);
  const waiting = await redis.zRange(keys.delayed, 0, -1);
  for (const key of [keys.suspects, ...keys.ready]) waiting.push(...(await redis.lRange(key, 0, -1)));
  const prefix = keys.meta.slice(0, -'meta'.length);
  const leasesBefore = await redis.zRange(keys.leases, 0, -1);
  const all = await redis.keys(`${prefix.replace(/[{}]/g, '\\$&')}*`);
  const inFlight: { daemon: string; token: string; record: string }[] = [];
  const results: Record<string, string> = {};
  const fixed = new Set([
    keys.wake,
    keys.meta,
    keys.leases,
    keys.delayed,
    keys.dead,
    keys.unique,
    keys.schedules,
    keys.suspects,
    ...keys.ready,
  ]);
  const strayKeys: string[] = [];
  for (const key of all) {
    if (key.startsWith(keys.inFlightPrefix)) {
      const daemon = key.slice(keys.inFlightPrefix.length);
      for (const [token, record] of Object.entries(await redis.hGetAll(key)))
        inFlight.push({ daemon, token, record });
    } else if (key.startsWith(keys.resultPrefix)) {
      const json = await redis.get(key);
      if (json !== null)
        results[key.slice(keys.resultPrefix.length)] = (JSON.parse(json) as { status: string }).status;
    } else if (!fixed.has(key) && (await redis.pTTL(key)) === -1) strayKeys.push(key);
  }
  const leases = await redis.zRange(keys.leases, 0, -1);
  // A session that was opened late by a call nobody waited for any more is taken back by its lease, perhaps at this moment.
  const owned = new Set(
    [...leasesBefore, ...leases].flatMap((daemon) => [keys.session(daemon), keys.held(daemon)]),
  );
  const meta = await redis.hGetAll(keys.meta);
  return {
    kind: 'dump',
    queue,
    waiting,
    inFlight,
    leases,
    dead: await redis.zRange(keys.dead, 0, -1),
    unique: await redis.hGetAll(keys.unique),
    counters: Object.fromEntries(
      ['enqueued', 'completed', 'dead', 'expired', 'refused', 'reclaimed'].map((name) => [
        name,
        Number(meta[name] ?? 0),
      ]),
    ),
    results,
    strayKeys: strayKeys.filter((key) => !owned.has(key)),
  };
}

import type { EpochMs } from '../../lib/clock.ts';
import { recordId, tokenOf } from '../job-record.ts';
import type { EnqueueReply } from '../messages/enqueue.ts';
import type { ClaimedJob, ExchangeReply } from '../messages/exchange.ts';
import type { HeartbeatReply, LeaseView, ReclaimReply, ResyncReply, SweepReply } from '../messages/lease.ts';
import type {
  DeleteReply,
  JobState,
  PurgeReply,
  QueueCounter,
  QueuePause,
  QueueStats,
  RetryReply,
  StoredJob,
} from '../messages/operator.ts';
import type { FireReply, WatermarkReply } from '../messages/schedule.ts';
import { unfit } from './errors.ts';
import { SCHEMA } from './keys.ts';
import type { Reply } from './link.ts';

/** What a script returned, as the contract says it. Its header says what stands where. */

export function decodeEnqueue(reply: Reply, jobs: number): EnqueueReply {
  const [status, now, ...holders] = list(reply);
  checkSchema(status, now);
  if (status === 'late') return { status, now: Number(now) };
  const existing: (string | null)[] = Array(jobs).fill(null);
  for (let i = 0; i < holders.length; i += 2) existing[Number(holders[i])] = String(holders[i + 1]);
  return { status: 'stored', existing, now: Number(now) };
}

export function decodeOpen(reply: Reply): 'opened' | 'refused' {
  const [status, schema] = list(reply);
  checkSchema(status, schema);
  return status === 'opened' ? 'opened' : 'refused';
}

export function decodeExchange(reply: Reply): ExchangeReply {
  const [status, first, records, refused, refusedAcks, dropped, more, suspects, nextDue, alone] = list(reply);
  if (status === 'lost' || status === 'stale') return { status };
  if (status === 'gap') return { status, last: Number(first) };
  return {
    status: 'done',
    now: Number(first),
    jobs: list(records).map((record) => claimed(String(record), Number(alone) > 0)),
    refused: list(refused).map(String),
    refusedAcks: Number(refusedAcks),
    dropped: pairs(dropped).map(([id, reason]) => ({
      id: String(id),
      reason: reason === 'expired' ? reason : 'corrupt',
    })),
    more: more === 1,
    suspects: suspects === 1,
    nextDueMs: Number(nextDue) < 0 ? null : Number(nextDue),
  };
}

export function decodeHeartbeat(reply: Reply): HeartbeatReply {
  const [status, inFlight, now] = list(reply);
  return status === 'renewed' ? { status, inFlight: Number(inFlight), now: Number(now) } : { status: 'lost' };
}

export function decodeResync(reply: Reply): ResyncReply {
  const [status, now, tokens] = list(reply);
  return status === 'synced'
    ? { status, now: Number(now), tokens: list(tokens).map(String) }
    : { status: 'lost' };
}

export function decodeWatermark(reply: Reply): WatermarkReply {
  const [status, now, tick, holder] = list(reply);
  checkSchema(status, now);
  return {
    watermark: { tick: Number(tick), holder: holder === '' ? null : String(holder) },
    now: Number(now),
  };
}

export function decodeFire(reply: Reply): FireReply {
  const [status, now] = list(reply);
  return status === 'none' ? { watermark: null, now: Number(now) } : decodeWatermark(reply);
}

export function decodeSweep(reply: Reply): SweepReply {
  const [now, leases] = list(reply);
  return {
    now: Number(now),
    leases: pairs(leases).map(
      ([daemon, deadline]): LeaseView => ({
        daemon: String(daemon),
        deadlineAt: Number(deadline),
      }),
    ),
  };
}

export function decodeReclaim(reply: Reply): ReclaimReply {
  const [status, moved, more] = list(reply);
  return status === 'alive' ? { status } : { status: 'reclaimed', moved: Number(moved), more: more === 1 };
}

export function decodeStats(reply: Reply, queue: string): QueueStats {
  const [now, ready, delayed, inFlight, dead, heads, meta] = list(reply);
  const counts = new Map(pairs(meta).map(([name, value]) => [String(name), Number(value)]));
  const count = (name: QueueCounter) => counts.get(name) ?? 0;
  const oldest = Math.min(...list(heads).map((id) => bornAt(String(id))));
  return {
    queue,
    ready: Number(ready),
    delayed: Number(delayed),
    inFlight: Number(inFlight),
    dead: Number(dead),
    oldestReadyMs: Number.isFinite(oldest) ? Math.max(0, Number(now) - oldest) : null,
    pause: { version: counts.get('pause_version') ?? 0, pausedAt: counts.get('paused') ?? null },
    counters: {
      enqueued: count('enqueued'),
      completed: count('completed'),
      retried: count('retried'),
      dead: count('dead'),
      expired: count('expired'),
      cancelled: count('cancelled'),
      refused: count('refused'),
      reclaimed: count('reclaimed'),
    },
  };
}

export function decodePause(reply: Reply): QueuePause {
  const [status, version, pausedAt] = list(reply);
  checkSchema(status, version);
  return { version: Number(version), pausedAt: pausedAt === '' ? null : Number(pausedAt) };
}

export function decodeList(reply: Reply, state: JobState): readonly StoredJob[] {
  const flat = list(reply);
  return Array.from({ length: flat.length / 3 }, (_, i) =>
    stored(state, flat[3 * i], flat[3 * i + 1], flat[3 * i + 2]),
  );
}

/** Where a search goes on that has not come to its end; null when it has. */
export function decodeNext(reply: Reply): { readonly place: string; readonly rank: string } | null {
  const [status, place, rank] = list(reply);
  return status === 'next' ? { place: String(place), rank: String(rank) } : null;
}

export const foundNothing = (reply: Reply): boolean => list(reply)[0] === 'none';

/** Places are indexes of keys: see parts/search.lua. */
export function decodeFind(reply: Reply): StoredJob | null {
  const [status, place, record, at, daemon] = list(reply);
  if (status === 'none') return null;
  return stored(FOUND_IN.get(Number(place)) ?? 'ready', record, at, daemon);
}

export function decodeRetry(reply: Reply): RetryReply {
  const [status, holder] = list(reply);
  switch (status) {
    case 'held':
      return { status, holder: String(holder) };
    case 'ready':
    case 'expired':
    case 'in_flight':
    case 'changed':
      return { status };
    default:
      return { status: 'gone' };
  }
}

export function decodeDelete(reply: Reply): DeleteReply {
  const [status] = list(reply);
  return { status: status === 'in_flight' || status === 'changed' ? status : 'gone' };
}

export function decodePurge(reply: Reply): PurgeReply {
  const [status, now, removed, more] = list(reply);
  if (status === 'late') return { status, now: Number(now) };
  return { status: 'purged', removed: Number(removed), more: more === 1, now: Number(now) };
}

const FOUND_IN: ReadonlyMap<number, JobState> = new Map([
  [1, 'in_flight'],
  [2, 'delayed'],
  [3, 'dead'],
]);

function stored(
  state: JobState,
  record: Reply | undefined,
  at: Reply | undefined,
  daemon: Reply | undefined,
): StoredJob {
  return {
    state,
    record: String(record),
    at: at === '' ? null : Number(at),
    daemon: daemon === '' ? null : String(daemon),
  };
}

function claimed(record: string, alone: boolean): ClaimedJob {
  return { token: tokenOf(recordId(record), Number(record.slice(37, 44)) + 1), record, alone };
}

/** When an id was made: the first 48 bits of a UUIDv7. NaN for any other text. */
const bornAt = (id: string): EpochMs => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

function checkSchema(status: Reply | undefined, schema: Reply | undefined): void {
  if (status !== 'unfit') return;
  throw unfit(
    `the queue's data has schema ${schema}, this forkloop knows ${SCHEMA}: run one version, or use another namespace`,
  );
}

const list = (reply: Reply | undefined): readonly Reply[] =>
  Array.isArray(reply) ? (reply as readonly Reply[]) : [];

function pairs(reply: Reply | undefined): readonly (readonly [Reply, Reply])[] {
  const flat = list(reply);
  return Array.from(
    { length: flat.length / 2 },
    (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? ''] as const,
  );
}

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BrokerError } from '../../src/broker/broker-error.ts';
import { replyError } from '../../src/broker/redis/errors.ts';
import { queueKeys } from '../../src/broker/redis/keys.ts';
import type { Reply } from '../../src/broker/redis/link.ts';
import { type Caller, RedisBroker } from '../../src/broker/redis/redis-broker.ts';
import { evalOf, type Script, Scripts, type Verb } from '../../src/broker/redis/scripts.ts';
import { type EpochMs, systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Dice } from './dice.ts';
import { type Answer, RespConnection } from './resp.ts';
import type { Call, Effect, QueueImage, Replicated, SimStore, Standing } from './sim-store.ts';

/** In the place of the part that reads the clock: a time that the simulation sets before each call. */
const GIVEN_NOW = `
local now = tonumber(redis.call('GET', 'sim:now'))
`;

/** Memory may be full: the simulation's own writes pass. */
const SET_NOW = loaded(`#!lua flags=allow-oom
redis.call('SET', 'sim:now', ARGV[1])`);

const NAMESPACE = 'sim';
/** A reclaim moves one job a call, so that it needs several calls, as it does for thousands. */
const RECLAIM_CHUNK = '1';
/** A search for one job looks at four a call for the same reason. */
const SEARCH_CHUNK = '4';
const SEARCHES: ReadonlySet<string> = new Set(['find', 'retry', 'delete']);
const READ_AT_ONCE = [['left - 15', 'left']] as const;
const SEARCHED_AT_ONCE = [
  ['rank + 49', 'rank + 3'],
  ['until read < 50', 'until read < 4'],
] as const;

class SmallSteps extends Scripts {
  override get(verb: Verb): Script {
    const script = super.get(verb);
    if (verb === 'reclaim') return smaller(script, READ_AT_ONCE);
    return SEARCHES.has(verb) ? smaller(script, SEARCHED_AT_ONCE) : script;
  }
}

function smaller({ text }: Script, changes: readonly (readonly [string, string])[]): Script {
  let changed = text;
  for (const [from, to] of changes) {
    if (!changed.includes(from)) throw new Error(`a script has no "${from}" any more`);
    changed = changed.replaceAll(from, to);
  }
  return loaded(changed);
}

function loaded(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

const IMAGE = loaded(readFileSync(new URL('./image.lua', import.meta.url), 'utf8'));
const COPY = `
local from, to = ARGV[1], ARGV[2]
redis.call('SELECT', to)
redis.call('FLUSHDB')
redis.call('SELECT', from)
for _, key in ipairs(redis.call('KEYS', 'fl:*')) do redis.call('COPY', key, key, 'DB', to) end
`;

/** The real scripts on a real server, of which nobody else knows. */
export class RedisStore implements SimStore, Replicated {
  readonly type = 'redis';
  readonly #connection: RespConnection;
  readonly #broker: RedisBroker;
  #now: EpochMs = 0;
  /** Of the queue that is asked, taken right after the script, in the same write. */
  #image: Answer = null;
  #loaded = new Set<string>();

  private constructor(connection: RespConnection, dice: Dice) {
    this.#connection = connection;
    const options = { url: 'redis://simulated', namespace: NAMESPACE, callDeadlineMs: 60_000 };
    this.#broker = new RedisBroker(
      {
        ...options,
        clock: systemClock,
        random: dice.random,
        newId: dice.ids(() => this.#now),
        log: silentLogger,
      },
      new SmallSteps({ now: GIVEN_NOW }),
      this.#caller(),
    );
  }

  static async open(socket: string, dice: Dice): Promise<RedisStore> {
    const connection = await RespConnection.connect(socket);
    await connection.call('CONFIG', 'SET', 'maxmemory', '0');
    await connection.call('FLUSHALL');
    for (const { text } of [IMAGE, SET_NOW]) await connection.call('SCRIPT', 'LOAD', text);
    return new RedisStore(connection, dice);
  }

  async execute({ verb, queue, argument }: Call, now: EpochMs): Promise<Effect> {
    await this.#expire(queue, now);
    this.#now = now;
    this.#image = null;
    let reply: unknown = null;
    let error: BrokerError | null = null;
    try {
      reply = await this.#broker[verb](queue, argument as never);
    } catch (thrown) {
      if (!(thrown instanceof BrokerError)) throw thrown;
      error = thrown;
    }
    if (verb === 'enqueue' || verb === 'purge') await this.#noteMark(queue, argument.id);
    const { image, awake } = readImage(this.#image);
    return { reply, error, image, awake };
  }

  async takeWake(queue: string): Promise<void> {
    await this.#connection.call('LPOP', queueKeys(NAMESPACE, queue).wake);
  }

  async image(queue: string): Promise<QueueImage> {
    const [answer] = await this.#connection.send(['EVALSHA', IMAGE.sha, '0', prefixOf(queue)]);
    return readImage(answer ?? null).image;
  }

  async setFull(full: boolean): Promise<void> {
    await this.#connection.call('CONFIG', 'SET', 'maxmemory', full ? '1' : '0');
  }

  async snapshot(): Promise<void> {
    await this.#connection.call('EVAL', COPY, '0', '0', '1');
  }

  async rollback(): Promise<void> {
    await this.#connection.call('EVAL', COPY, '0', '1', '0');
    await this.#connection.call('SELECT', '0');
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  /** Time set, script run, queue looked at: one write, one answer. */
  #caller(): Caller {
    const run = async (verb: string, script: Script, keys: readonly string[], args: readonly string[]) => {
      if (!this.#loaded.has(script.sha)) {
        await this.#connection.call('SCRIPT', 'LOAD', script.text);
        this.#loaded.add(script.sha);
      }
      const given = chunked(verb, args);
      const prefix = (keys[0] ?? '').replace(/\}:.*$/, '}:');
      const [, answer, image] = await this.#connection.send(
        ['EVALSHA', SET_NOW.sha, '0', String(this.#now)],
        evalOf(script, keys, given),
        ['EVALSHA', IMAGE.sha, '0', prefix],
      );
      this.#image = image ?? null;
      if (answer instanceof Error) throw replyError(verb, answer.message, answer);
      return answer as Reply;
    };
    return {
      up: true,
      start: async () => undefined,
      run,
      call: (_verb, args) => this.#connection.call(...args),
      close: async () => {},
    };
  }

  // ---------------------------------------------------------------------------------------------------- marks

  readonly #marks = new Map<string, EpochMs>();

  /** Marks live by the broker's clock, which here is the simulation's. */
  async #noteMark(queue: string, batch: string): Promise<void> {
    const key = queueKeys(NAMESPACE, queue).batch(batch);
    if (this.#marks.has(key)) return;
    const at = Number(await this.#connection.call('PEXPIRETIME', key));
    if (at > 0) this.#marks.set(key, at);
  }

  async #expire(_queue: string, now: EpochMs): Promise<void> {
    for (const [key, at] of this.#marks) {
      if (at > now) continue;
      this.#marks.delete(key);
      await this.#connection.call('DEL', key);
    }
  }
}

function chunked(verb: string, args: readonly string[]): readonly string[] {
  if (verb === 'reclaim') return args.with(4, RECLAIM_CHUNK);
  return SEARCHES.has(verb) ? args.with(3, SEARCH_CHUNK) : args;
}

const prefixOf = (queue: string): string => `fl:{${NAMESPACE}:${queue}}:`;

function readImage(answer: Answer): { image: QueueImage; awake: boolean } {
  if (!Array.isArray(answer)) throw new Error(`the queue cannot be looked at: ${String(answer)}`);
  const [
    ready,
    suspects,
    delayed,
    dead,
    leases,
    unique,
    schedules,
    inFlight,
    holding,
    quarantined,
    pause,
    wake,
  ] = answer as Reply[][];
  const standing = { priority: null, at: null, daemon: null, token: null };
  const jobs: Standing[] = [];
  for (const [priority, line] of (ready as unknown as string[][]).entries()) {
    for (const record of line) jobs.push({ ...standing, record, place: 'ready', priority });
  }
  for (const record of suspects as string[]) jobs.push({ ...standing, record, place: 'suspects' });
  for (const [record, at] of pairs(delayed)) {
    jobs.push({ ...standing, record, place: 'delayed', at: Number(at) });
  }
  for (const [record, at] of pairs(dead)) {
    jobs.push({ ...standing, record, place: 'dead', at: Number(at) });
  }
  for (const [daemon, tokens] of inFlight as unknown as [string, string[]][]) {
    for (const [token, record] of pairs(tokens)) {
      jobs.push({ ...standing, record, place: 'in_flight', daemon, token });
    }
  }
  return {
    image: {
      jobs,
      leases: new Map(pairs(leases).map(([daemon, at]) => [daemon, Number(at)])),
      unique: new Map(pairs(unique)),
      schedules: new Map(pairs(schedules).map(([name, mark]) => [name, watermarkOf(mark)])),
      quarantined: Number(quarantined),
      pause: { version: Number(pause?.[0] ?? 0), pausedAt: pause?.[1] == null ? null : Number(pause[1]) },
      holding: holding as string[],
    },
    awake: Number(wake) > 0,
  };
}

function watermarkOf(mark: string): { tick: EpochMs; holder: string | null } {
  const [tick, holder] = mark.split(' ');
  return { tick: Number(tick), holder: holder ?? null };
}

function pairs(flat: Reply | undefined): [string, string][] {
  const list = flat as readonly string[];
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i] ?? '', list[2 * i + 1] ?? '']);
}

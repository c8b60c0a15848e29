/**
 * Deliberately broken variants: each replaces one text of the sources by another. Each must be caught by the simulation,
 * or it would not have caught the same mistake made by accident.
 */
export interface Mutant {
  readonly name: string;
  /** Below src. */
  readonly file: string;
  /** Must be there exactly once. */
  readonly find: string;
  readonly replace: string;
  /** A seed that catches it, tried first. */
  readonly seed: number;
  /** Which simulation hunts it; Redis where nothing is said. */
  readonly store?: 'embedded';
}

const LUA = 'broker/redis/scripts';

const IN_RECLAIM: readonly Mutant[] = [
  {
    name: 'reclaim does not compare the deadline',
    file: `${LUA}/reclaim.lua`,
    find: `(deadline ~= tonumber(ARGV[2]) or (deadline > now and ARGV[3] ~= '1'))`,
    replace: 'false',
    seed: 36,
  },
  {
    name: 'reclaim does not mark the lease as taken',
    file: `${LUA}/reclaim.lua`,
    find: `redis.call('ZADD', LEASES, -1, ARGV[1])`,
    replace: '',
    seed: 1,
  },
  {
    name: 'reclaim removes the lease with the first chunk',
    file: `${LUA}/reclaim.lua`,
    find: 'if left == 0 then',
    replace: 'if true then',
    seed: 1,
  },
  {
    name: 'reclaim raises no recoveries',
    file: `${LUA}/reclaim.lua`,
    find: `'recovery')`,
    replace: 'nil)',
    seed: 1,
  },
  {
    name: 'reclaim leaves no tombstone',
    file: `${LUA}/open.lua`,
    find: 'if session[1] or (',
    replace: 'if (',
    seed: 1,
  },
];

const IN_HEARTBEAT: readonly Mutant[] = [
  {
    name: 'heartbeat creates a missing lease',
    file: `${LUA}/heartbeat.lua`,
    find: `if not deadline or tonumber(deadline) < 0 then return {'lost'} end
if redis.call('HEXISTS', KEYS[2], 'n0') == 0 then return {'lost'} end`,
    replace: '',
    seed: 11,
  },
  {
    name: 'heartbeat is accepted while the lease is being taken',
    file: `${LUA}/heartbeat.lua`,
    find: `if not deadline or tonumber(deadline) < 0 then return {'lost'} end
if redis.call('HEXISTS', KEYS[2], 'n0') == 0 then return {'lost'} end`,
    replace: `if not deadline then return {'lost'} end`,
    seed: 63,
  },
  {
    name: 'heartbeat is refused when the lease has lapsed but was not taken',
    file: `${LUA}/heartbeat.lua`,
    find: 'tonumber(deadline) < 0',
    replace: 'tonumber(deadline) < now',
    seed: 2,
  },
  {
    name: 'heartbeat is refused when memory is full',
    file: `${LUA}/heartbeat.lua`,
    find: '#!lua flags=allow-oom',
    replace: '#!lua',
    seed: 3,
  },
];

const IN_EXCHANGE: readonly Mutant[] = [
  {
    name: 'exchange is accepted after the lease was taken',
    file: `${LUA}/exchange.lua`,
    find: `if not deadline or tonumber(deadline) < 0 then return {'lost'} end
local session = call('HMGET', SESSION, 'n' .. LANE, 'a' .. LANE)
if not session[1] then return {'lost'} end
local last = tonumber(session[1])`,
    replace: `if not deadline then return {'lost'} end
local session = call('HMGET', SESSION, 'n' .. LANE, 'a' .. LANE)
local last = tonumber(session[1] or NUMBER - 1)`,
    seed: 58,
  },
  {
    name: 'exchange carries a repeat out again',
    file: `${LUA}/exchange.lua`,
    find: 'if NUMBER == last then',
    replace: 'if false then',
    seed: 1,
  },
  {
    name: 'exchange repeats its answer without the deliveries',
    file: `${LUA}/exchange.lua`,
    find: 'if record then jobs[#jobs + 1] = record end',
    replace: '',
    seed: 1,
  },
  {
    name: 'exchange carries an older number out',
    file: `${LUA}/exchange.lua`,
    find: 'if NUMBER < last or (NUMBER == last and not session[2])',
    replace: 'if (NUMBER == last and not session[2])',
    seed: 2,
  },
  {
    name: 'exchange does not answer a gap',
    file: `${LUA}/exchange.lua`,
    find: `if NUMBER > last + 1 then return {'gap', last} end`,
    replace: '',
    seed: 1,
  },
  {
    name: 'exchange counts both lanes with one number',
    file: `${LUA}/exchange.lua`,
    find: `local DAEMON, LANE, NUMBER = ARGV[1], ARGV[3], tonumber(ARGV[4])`,
    replace: `local DAEMON, LANE, NUMBER = ARGV[1], '0', tonumber(ARGV[4])`,
    seed: 23,
  },
  {
    name: 'tokens are without the claim count',
    file: `${LUA}/parts/record.lua`,
    find: `suffix = ':' .. (claims + 1),`,
    replace: `suffix = ':1',`,
    seed: 1,
  },
  {
    name: 'a release counts as a failure',
    file: `${LUA}/exchange.lua`,
    find: 'released[#released + 1] = rewritten(record, claims)',
    replace: `released[#released + 1] = rewritten(record, claims, 'failure')`,
    seed: 1,
  },
  {
    name: 'inputs go through cjson',
    file: `${LUA}/parts/record.lua`,
    find: `if err == nil or #err > 9999 then return head .. sub(record, 74) end`,
    replace: `local at = header_of(record).input_at
  if err == nil or #err > 9999 then
    return head .. sub(record, 74, at - 1) .. cjson.encode(cjson.decode('[' .. sub(record, at) .. ']')[1])
  end`,
    seed: 1,
  },
  {
    name: 'due jobs are removed by their time, not by name',
    file: `${LUA}/parts/promote.lua`,
    find: `redis.call('ZREM', delayed, unpack(due))`,
    replace: `redis.call('ZREMRANGEBYSCORE', delayed, '-inf', now)`,
    seed: 1,
  },
  {
    name: 'a unique key is freed by a retry',
    file: `${LUA}/exchange.lua`,
    find: `if kind == 'ack' or kind == 'dead' then`,
    replace: `if kind == 'ack' or kind == 'dead' or kind == 'retry' then`,
    seed: 8,
  },
  {
    name: 'a dead job keeps its unique key',
    file: `${LUA}/exchange.lua`,
    find: `if kind == 'ack' or kind == 'dead' then`,
    replace: `if kind == 'ack' then`,
    seed: 6,
  },
  {
    name: 'a paused queue is claimed',
    file: `${LUA}/exchange.lua`,
    find: 'if paused then WANT = 0 end',
    replace: '',
    seed: 33,
  },
];

const IN_OTHER_SCRIPTS: readonly Mutant[] = [
  {
    name: 'enqueue marks no batch',
    file: `${LUA}/enqueue.lua`,
    find: `redis.call('SET', KEYS[1], table.concat(answer, ' ', 3), 'PXAT', limit + 60000)`,
    replace: '',
    seed: 1,
  },
  {
    name: 'the mark of a batch dies before its last repeat',
    file: `${LUA}/enqueue.lua`,
    find: `'PXAT', limit + 60000)`,
    replace: `'PXAT', limit - 34000)`,
    seed: 1,
  },
  {
    name: 'enqueue forgets the highest time seen',
    file: `${LUA}/enqueue.lua`,
    find: 'local latest = math.max(now, seen)',
    replace: 'local latest = now',
    seed: 6,
  },
  {
    name: 'fire does not look where the schedule stands',
    file: `${LUA}/fire.lua`,
    find: 'if tick ~= ARGV[2] or not due then',
    replace: 'if not due then',
    seed: 1,
  },
  {
    name: 'fire takes any tick that is later',
    file: `${LUA}/fire.lua`,
    find: 'if tick ~= ARGV[2] or not due then',
    replace: 'if tonumber(tick) >= tonumber(ARGV[3]) or not due then',
    seed: 4,
  },
  {
    name: 'a schedule without a watermark starts at the beginning of time',
    file: `${LUA}/watermark.lua`,
    find: `local seeded = string.format('%.0f', now)`,
    replace: `local seeded = '0'`,
    seed: 1,
  },
  {
    name: 'a lease too far ahead is left as it is',
    file: `${LUA}/sweep.lua`,
    find: `for _, daemon in ipairs(ahead) do`,
    replace: 'for _, daemon in ipairs({}) do',
    seed: 3,
  },
];

const IN_OPERATOR_SCRIPTS: readonly Mutant[] = [
  {
    name: 'a retry does not compare the claims',
    file: `${LUA}/retry.lua`,
    find: 'or tonumber(sub(record, 38, 44)) ~= claims then',
    replace: 'then',
    seed: 13,
  },
  {
    name: 'a retry is no claim',
    file: `${LUA}/retry.lua`,
    find: 'math.min(claims + 1, 9999999)',
    replace: 'claims',
    seed: 2,
  },
  {
    name: 'a retry takes a unique key from its holder',
    file: `${LUA}/retry.lua`,
    find: `if holder and holder ~= ID then return {'held', holder} end`,
    replace: '',
    seed: 111,
  },
  {
    name: 'a retry leaves the unique key free',
    file: `${LUA}/retry.lua`,
    find: `if unique ~= '' and not holder then redis.call('HSET', KEYS[4], unique, ID) end`,
    replace: '',
    seed: 13,
  },
  {
    name: 'a delete does not compare the claims',
    file: `${LUA}/delete.lua`,
    find: 'or tonumber(sub(record, 38, 44)) ~= tonumber(ARGV[7]) then',
    replace: 'then',
    seed: 4,
  },
  {
    name: 'a deleted job keeps its unique key',
    file: `${LUA}/delete.lua`,
    find: `if holder == ID then redis.call('HDEL', KEYS[4], unique) end`,
    replace: '',
    seed: 48,
  },
  {
    name: 'a search gives up after its first call',
    file: `${LUA}/parts/search.lua`,
    find: `return nil, {'next', place, rank}`,
    replace: `return nil, {'none'}`,
    seed: 2,
  },
  {
    name: 'a purge is not marked as done',
    file: `${LUA}/purge.lua`,
    find: `call('SET', KEYS[1], removed, 'PXAT', tonumber(ARGV[1]) + 60000)`,
    replace: '',
    seed: 24,
  },
  {
    name: 'a purge is never late',
    file: `${LUA}/purge.lua`,
    find: `if latest > tonumber(ARGV[1]) then return {'late', latest} end`,
    replace: '',
    seed: 2,
  },
  {
    name: 'a purge removes more than it was asked for',
    file: `${LUA}/purge.lua`,
    find: 'local want = math.min(64, LIMIT - removed, fit)',
    replace: 'local want = math.min(64, fit)',
    seed: 1,
  },
];

const SESSION = 'consumer/queue-session.ts';

const IN_DAEMONS: readonly Mutant[] = [
  {
    name: 'a sweeper takes a lease at the first look',
    file: 'supervisor/reclaim-rule.ts',
    find: 'look.sentAt - (seen.get(keyOf(lease)) as number) >= this.#options.graceMs',
    replace: 'true',
    seed: 2,
  },
  {
    name: 'a sweeper remembers its look across failures and slow answers',
    file: 'supervisor/reclaim-rule.ts',
    find: `  forget(): void {
    this.#seen = new Map();
    this.#last = null;
  }

  #trusts(look: Look): boolean {`,
    replace: `  forget(): void {}

  #trusts(look: Look): boolean {
    if (true) return true;`,
    seed: 12,
  },
  {
    name: 'the settlements that met a gap are not sent again',
    file: SESSION,
    find: `        this.#lanes[lane] = 'resyncing';`,
    replace: `        this.#lanes[lane] = 'resyncing';\n        owed = [];`,
    seed: 57,
  },
  {
    name: 'what a rollback made vanish is settled again after the gap',
    file: SESSION,
    find: '        owed = owed.filter(({ token }) => this.#accounts.has(token));\n',
    replace: '',
    seed: 1,
  },
  {
    name: 'what a rollback made vanish is settled later',
    file: 'consumer/line-session.ts',
    find: '  line.drop(new Set(tokens));\n',
    replace: '',
    seed: 1,
  },
  {
    name: 'what is handed out anew runs beside its first run',
    file: 'consumer/line-deliveries.ts',
    find: 'if (pool.has(claimed.token)) {',
    replace: 'if (false) {',
    seed: 105,
  },
  {
    name: 'what is in flight here and unknown stays so',
    file: SESSION,
    find: 'if (stray.length > 0) listener.stray(stray);',
    replace: '',
    seed: 59,
  },
  {
    name: 'after a gap nothing is resynchronised',
    file: SESSION,
    find: '        await this.resync();\n',
    replace: '',
    seed: 18,
  },
  {
    name: 'a resync does not wait for the other lane',
    file: SESSION,
    find: `const quiet = () => this.#daemon !== daemon || !(this.#lanes.includes('sent') || this.waiting);`,
    replace: 'const quiet = () => true;',
    seed: 4,
  },
  {
    name: 'accounts are never compared',
    file: SESSION,
    find: `else if (this.#state === 'open') await this.resync();`,
    replace: 'else await this.heartbeat();',
    seed: 20,
  },
  {
    name: 'a daemon never fences itself',
    file: SESSION,
    find: 'clock.monotonic() - this.#confirmedAt <= fenceAfterMs',
    replace: 'fenceAfterMs > 0',
    seed: 79,
  },
  {
    name: 'the age of an answer is counted from its arrival',
    file: SESSION,
    find: 'return { reply: await answer, sentAt };',
    replace: `const reply = await answer;
        return { reply, sentAt: clock.monotonic() + 0 * sentAt };`,
    seed: 9,
  },
  {
    name: 'an exchange that fails behind a wait is given up',
    file: SESSION,
    find: `if (this.#lanes[lane] === 'waiting' && !ended.aborted) this.#lanes[lane] = 'sent';`,
    replace: 'if (attempt === 0 && behind !== null) return null;',
    seed: 1,
  },
  {
    name: 'a resync does not wait for what stands behind a wait',
    file: SESSION,
    find: `!(this.#lanes.includes('sent') || this.waiting)`,
    replace: `!this.#lanes.includes('sent')`,
    seed: 1,
  },
  {
    name: 'a suspect is claimed beside others',
    file: 'consumer/pump.ts',
    find: 'return this.#options.pool.inFlight === 0 && this.#reserved === 0;',
    replace: 'return true;',
    seed: 25,
  },
  {
    name: 'a repeated batch gets a new id',
    file: 'client/batch-sender.ts',
    find: 'await this.#attempt({ ...stamp, jobs });',
    replace: 'await this.#attempt({ ...stamp, id: newId(), jobs });',
    seed: 1,
  },
  {
    name: 'an end that is not known is called refused',
    file: 'client/batch-sender.ts',
    find: `sentBefore ||= reply.disposition === 'unknown';`,
    replace: '',
    seed: 2,
  },
];

const IN_THE_STORE: readonly Mutant[] = [
  {
    name: 'a store that is opened again leaves in flight what was in flight',
    file: 'broker/embedded/store.ts',
    find: 'for (const name of this.#shelves.names()) this.#takeBack(name, now);',
    replace: '',
    seed: 3,
    store: 'embedded',
  },
  {
    name: 'a transaction that failed is not taken back in memory',
    file: 'broker/embedded/store.ts',
    find: 'this.#shelves.rolledBack();',
    replace: 'this.#shelves.committed();',
    seed: 4,
    store: 'embedded',
  },
  {
    name: 'two transactions for one request',
    file: 'broker/embedded/store.ts',
    find: `this.#shelves.flush();
      this.#database.exec('COMMIT');
      this.#shelves.committed();
      return`,
    replace: `this.#database.exec('COMMIT');
      this.#database.exec('BEGIN');
      this.#shelves.flush();
      this.#database.exec('COMMIT');
      this.#shelves.committed();
      return`,
    seed: 160,
    store: 'embedded',
  },
  {
    name: 'the store forgets batches when it is opened again',
    file: 'broker/embedded/store.ts',
    find: `this.#highest = this.#shelves.meta('highest_time');`,
    replace: `this.#highest = this.#shelves.meta('highest_time');
    this.#database.exec('delete from mark');`,
    seed: 5,
    store: 'embedded',
  },
  {
    name: 'a full store refuses settlements',
    file: 'broker/embedded/store.ts',
    find: `      this.#ballast.drop();
`,
    replace: '',
    seed: 4,
    store: 'embedded',
  },
  {
    name: 'the engine takes a lease that was renewed',
    file: 'broker/engine/queue.ts',
    find: 'session.deadlineAt !== request.deadlineAt || !past',
    replace: 'false',
    seed: 45,
    store: 'embedded',
  },
  {
    name: 'the engine renews no lease when an exchange is repeated',
    file: 'broker/engine/queue.ts',
    find: `if (answer === null) return { status: 'stale' };
    session.deadlineAt = now + request.leaseMs;`,
    replace: `if (answer === null) return { status: 'stale' };`,
    seed: 3,
    store: 'embedded',
  },
  {
    name: 'the engine retries a job that has changed',
    file: 'broker/engine/operator.ts',
    find: 'if (header === null || header.claims !== claims)',
    replace: 'if (header === null)',
    seed: 19,
    store: 'embedded',
  },
  {
    name: 'the engine deletes a job that has changed',
    file: 'broker/engine/operator.ts',
    find: 'readHeader(found.record)?.claims !== claims',
    replace: 'readHeader(found.record)?.claims === claims - 1',
    seed: 5,
    store: 'embedded',
  },
  {
    name: 'the engine marks no purge',
    file: 'broker/engine/operator.ts',
    find: 'this.#shelf.remember(request.id, [String(removed)], request.notAfterAt + MARK_MS);',
    replace: '',
    seed: 2,
    store: 'embedded',
  },
  {
    name: 'the engine keeps the unique keys of purged jobs',
    file: 'broker/engine/operator.ts',
    find: 'if (header?.unique != null) this.#shelf.release(header.unique, id);',
    replace: '',
    seed: 2,
    store: 'embedded',
  },
];

export const MUTANTS: readonly Mutant[] = [
  ...IN_RECLAIM,
  ...IN_HEARTBEAT,
  ...IN_EXCHANGE,
  ...IN_OTHER_SCRIPTS,
  ...IN_OPERATOR_SCRIPTS,
  ...IN_DAEMONS,
  ...IN_THE_STORE,
];

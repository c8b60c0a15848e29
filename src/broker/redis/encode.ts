import { ForkloopError } from '../../lib/errors.ts';
import { HEADER_LENGTH, isRecord, recordId } from '../job-record.ts';
import { BATCH_BYTES_LIMIT, BATCH_LIMIT } from '../messages/batch.ts';
import type { EnqueueBatch, EnqueueJob } from '../messages/enqueue.ts';
import type { ExchangeRequest, Settlement } from '../messages/exchange.ts';
import { PURGE_CHUNK, type PurgeRequest } from '../messages/operator.ts';
import type { FireRequest } from '../messages/schedule.ts';
import { DELETED_RESULT, EXPIRED_RESULT } from '../unrun-results.ts';
import { type QueueKeys, SCHEMA } from './keys.ts';

/** What a script is called with. Its header says what stands where. */
export interface Call {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** @throws ForkloopError ERR_OPTION_INVALID, ERR_INPUT_INVALID */
export function encodeEnqueue(keys: QueueKeys, batch: EnqueueBatch): Call {
  if (batch.jobs.length < 1 || batch.jobs.length > BATCH_LIMIT)
    throw badSize('jobs in a batch', batch.jobs.length);
  const args = [String(batch.notAfterAt), SCHEMA, batch.id];
  const lines: string[] = [];
  const lineOf = (priority: string): string => {
    const key = keys.ready[Number(priority)] as string;
    const known = lines.indexOf(key);
    return String(known < 0 ? lines.push(key) - 1 : known);
  };
  let group = { kind: '', countAt: 0, count: 0 };
  for (let index = 0; index < batch.jobs.length; index++) {
    const { record, delayMs } = batch.jobs[index] as EnqueueJob;
    if (!isRecord(record)) throw notRecord(record);
    const delay = delayMs === 0 ? '0' : wholeMs(delayMs);
    const priority = record.charAt(51);
    const width = record.slice(66, 69);
    const unique = width === '000' ? '' : record.slice(HEADER_LENGTH, HEADER_LENGTH + Number(width));
    const kind = unique !== '' ? 'u' : delay !== '0' ? 'd' : lineOf(priority);
    if (kind !== group.kind) {
      group = { kind, countAt: args.push(kind, '0') - 1, count: 0 };
    }
    args[group.countAt] = String(++group.count);
    if (kind === 'u') args.push(String(index), unique, recordId(record), lineOf(priority), delay, record);
    else if (kind === 'd') args.push(delay, record);
    else args.push(record);
  }
  return {
    keys: [keys.batch(batch.id), keys.meta, keys.unique, keys.delayed, keys.wake, ...lines],
    args,
  };
}

/** @throws ForkloopError ERR_INPUT_INVALID */
export function encodeFire(keys: QueueKeys, { schedule, previous, tick, record }: FireRequest): Call {
  if (!isRecord(record)) throw notRecord(record);
  const ready = keys.ready[Number(record.slice(51, 52))] ?? '';
  const unique = record.slice(HEADER_LENGTH, HEADER_LENGTH + Number(record.slice(66, 69)));
  return {
    keys: [keys.schedules, keys.meta, keys.unique, keys.wake, ready],
    args: [schedule, String(previous), String(tick), SCHEMA, recordId(record), unique, record],
  };
}

/** @throws ForkloopError ERR_OPTION_INVALID */
export function encodeExchange(keys: QueueKeys, request: ExchangeRequest): Call {
  const { daemon, settle } = request;
  if (settle.length > BATCH_LIMIT) throw badSize('settlements in an exchange', settle.length);
  if (request.want > BATCH_LIMIT) throw badSize('jobs wanted in an exchange', request.want);
  const plain: string[] = [];
  const others: string[] = [];
  for (const settlement of settle) {
    if (settlement.type === 'ack' && settlement.result === undefined) plain.push(settlement.token);
    else others.push(...settlementArgs(settlement));
  }
  return {
    keys: [
      keys.leases,
      keys.session(daemon),
      keys.meta,
      keys.dead,
      keys.unique,
      keys.wake,
      keys.quarantine,
      keys.inFlight(daemon),
      keys.held(daemon),
      keys.delayed,
      keys.suspects,
      ...keys.ready,
    ],
    args: [
      daemon,
      wholeMs(request.leaseMs),
      String(request.lane),
      String(request.number),
      String(request.want),
      request.alone ? '1' : '0',
      lifeMs(request.droppedResultTtlMs),
      String(request.keepDead.count),
      wholeMs(request.keepDead.ageMs),
      String(BATCH_BYTES_LIMIT),
      keys.resultPrefix,
      EXPIRED_RESULT,
      String(plain.length),
      ...plain,
      ...others,
    ],
  };
}

/** @throws ForkloopError ERR_OPTION_INVALID */
export function encodePurge(keys: QueueKeys, request: PurgeRequest): Call {
  const { id, notAfterAt, state, limit, resultTtlMs } = request;
  if (limit < 1 || limit > PURGE_CHUNK) {
    throw new ForkloopError(
      'ERR_OPTION_INVALID',
      `a purge of ${limit}: at most ${PURGE_CHUNK} at once, at least 1`,
    );
  }
  const { meta, unique, delayed, dead, suspects, ready, resultPrefix } = keys;
  return {
    keys: [keys.batch(id), meta, unique, delayed, dead, suspects, ...ready],
    args: [
      ...[String(notAfterAt), state, String(limit), String(BATCH_BYTES_LIMIT)],
      ...[resultPrefix, DELETED_RESULT, lifeMs(resultTtlMs)],
    ],
  };
}

/** Type, token, delay, count, error, result, life of the result. */
function settlementArgs(settlement: Settlement): readonly string[] {
  const { type, token } = settlement;
  const delay = 'delayMs' in settlement ? wholeMs(settlement.delayMs) : '0';
  const [count, error] = 'error' in settlement ? [settlement.count, settlement.error] : ['none', ''];
  const result = 'result' in settlement ? settlement.result : undefined;
  return [
    type,
    token,
    delay,
    count,
    error,
    result?.json ?? '',
    result === undefined ? '' : lifeMs(result.ttlMs),
  ];
}

/** A script must not fail over it in the middle: what is no number is 0, what is too large the largest exact one. */
export const wholeMs = (ms: number): string =>
  String(Math.min(Math.max(0, Math.round(ms) || 0), Number.MAX_SAFE_INTEGER));

/** Redis refuses a life of 0, and one that ends after all time. */
export const lifeMs = (ms: number): string =>
  String(Math.min(Math.max(1, Math.round(ms) || 1), LONGEST_LIFE_MS));

const LONGEST_LIFE_MS = 2 ** 52;

function badSize(what: string, size: number): ForkloopError {
  return new ForkloopError('ERR_OPTION_INVALID', `${size} ${what}: at most ${BATCH_LIMIT} fit, at least 1`);
}

function notRecord(record: string): ForkloopError {
  const start = JSON.stringify(record.slice(0, 80));
  return new ForkloopError('ERR_INPUT_INVALID', `not a job record: ${start}; make it with encodeJob`);
}

/**
 * How messages travel: the two that come once for each job are packed, all others go as they are. What many deliveries of a
 * batch have in common is sent once, and tokens as one string: an object for each job costs three times as much, on both
 * ends, in JSON as in a structured clone.
 */

import type { Outcome } from '../../task/outcome.ts';
import type { AttemptSpec } from '../../task/run.ts';
import type { FromWorker, ToWorker } from './protocol.ts';

/** What deliveries of a batch have in common. `alias`: its token is not made of its id and its fence. */
interface Kind {
  readonly task: string;
  readonly queue: string;
  readonly timeoutMs: number;
  readonly maxResultBytes: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly alias?: { readonly id: string; readonly fence: number };
}

/** `jobs`: token, attempt, index in `kinds`, input; and so on. */
interface PackedRun {
  readonly type: 'packed_run';
  readonly kinds: readonly Kind[];
  readonly jobs: readonly (string | number)[];
}

/** `done`: the tokens of those that completed without a result. */
interface PackedEnded {
  readonly type: 'packed_ended';
  readonly done: string;
  readonly others: readonly Ended[];
  readonly started: string;
}

interface PackedStarted {
  readonly type: 'packed_started';
  readonly tokens: string;
}

type Ended = { readonly token: string; readonly outcome: Outcome };

export type ToWorkerWire = Exclude<ToWorker, { type: 'run' }> | PackedRun;
export type FromWorkerWire =
  | Exclude<FromWorker, { type: 'ended' } | { type: 'started' }>
  | PackedEnded
  | PackedStarted;

/** No token has it: one is an id, a colon and a number. */
const SEPARATOR = ' ';
const STRIDE = 4;
const DONE: Outcome = { type: 'completed' };

export function packToWorker(message: ToWorker): ToWorkerWire {
  if (message.type !== 'run') return message;
  const kinds: Kind[] = [];
  const jobs: (string | number)[] = [];
  for (const spec of message.deliveries) {
    jobs.push(spec.token, spec.attempt, indexOfKind(kinds, spec), spec.input);
  }
  return { type: 'packed_run', kinds, jobs };
}

export function unpackToWorker(wire: ToWorkerWire): ToWorker {
  if (wire.type !== 'packed_run') return wire;
  const { kinds, jobs } = wire;
  const deliveries: AttemptSpec[] = [];
  for (let i = 0; i < jobs.length; i += STRIDE) {
    const token = jobs[i] as string;
    const kind = kinds[jobs[i + 2] as number] as Kind;
    const colon = token.lastIndexOf(':');
    deliveries.push({
      token,
      id: kind.alias?.id ?? token.slice(0, colon),
      task: kind.task,
      queue: kind.queue,
      attempt: jobs[i + 1] as number,
      fence: kind.alias?.fence ?? Number(token.slice(colon + 1)),
      input: jobs[i + 3] as string,
      timeoutMs: kind.timeoutMs,
      maxResultBytes: kind.maxResultBytes,
      headers: kind.headers,
    });
  }
  return { type: 'run', deliveries };
}

export function packFromWorker(message: FromWorker): FromWorkerWire {
  if (message.type === 'started') return { type: 'packed_started', tokens: message.tokens.join(SEPARATOR) };
  if (message.type !== 'ended') return message;
  const done: string[] = [];
  const others: Ended[] = [];
  for (const one of message.ended) {
    if (one.outcome.type === 'completed' && one.outcome.result === undefined) done.push(one.token);
    else others.push(one);
  }
  const started = message.started?.join(SEPARATOR) ?? '';
  return { type: 'packed_ended', done: done.join(SEPARATOR), others, started };
}

export function unpackFromWorker(wire: FromWorkerWire): FromWorker {
  if (wire.type === 'packed_started') return { type: 'started', tokens: tokensOf(wire.tokens) };
  if (wire.type !== 'packed_ended') return wire;
  const ended: Ended[] = tokensOf(wire.done).map((token) => ({ token, outcome: DONE }));
  ended.push(...wire.others);
  return { type: 'ended', ended, ...(wire.started === '' ? {} : { started: tokensOf(wire.started) }) };
}

/** Most of a batch are alike, or alike in turns: what is farther back is sent again. */
const LOOK_BACK = 8;

function indexOfKind(kinds: Kind[], spec: AttemptSpec): number {
  const last = kinds.length - 1;
  for (let index = last; index >= 0 && index > last - LOOK_BACK; index--)
    if (isOfKind(spec, kinds[index] as Kind)) return index;
  return kinds.push(kindOf(spec)) - 1;
}

const tokensOf = (joined: string): string[] => (joined === '' ? [] : joined.split(SEPARATOR));

const isAlias = ({ token, id, fence }: AttemptSpec): boolean => token !== `${id}:${fence}`;

function kindOf(spec: AttemptSpec): Kind {
  const { id, fence, task, queue, timeoutMs, maxResultBytes, headers } = spec;
  const kind = { task, queue, timeoutMs, maxResultBytes, headers };
  return isAlias(spec) ? { ...kind, alias: { id, fence } } : kind;
}

function isOfKind(spec: AttemptSpec, kind: Kind): boolean {
  return (
    spec.task === kind.task &&
    spec.queue === kind.queue &&
    spec.timeoutMs === kind.timeoutMs &&
    spec.maxResultBytes === kind.maxResultBytes &&
    spec.headers === kind.headers &&
    kind.alias === undefined &&
    !isAlias(spec)
  );
}

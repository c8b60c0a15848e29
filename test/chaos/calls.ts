/** What a script was asked and what it answered, read off the wire: only what the checker needs. */

import { decodeJob, tokenOf } from '../../src/broker/job-record.ts';
import {
  decodeEnqueue,
  decodeExchange,
  decodeFire,
  decodeHeartbeat,
  decodeOpen,
  decodeReclaim,
  decodeResync,
  decodeWatermark,
} from '../../src/broker/redis/decode.ts';
import type { Reply } from '../../src/broker/redis/link.ts';
import type { Verb } from '../../src/broker/redis/scripts.ts';
import { ReplyError, type Value } from './resp.ts';

export interface EnqueuedJob {
  readonly id: string;
  readonly unique: string | null;
  /** The producer's name for it; null for what the producer did not make. */
  readonly tag: string | null;
  readonly keepResult: boolean;
}

export interface SettledJob {
  readonly type: string;
  readonly token: string;
  /** Which counter it raises. */
  readonly count: string;
}

/** `error`: Redis refused it, nothing was executed. No reply: nobody knows. */
type Answered<Answer> = { readonly queue: string; readonly reply?: Answer; readonly error?: string };

export type EnqueueCall = Answered<
  { readonly status: 'late' } | { readonly status: 'stored'; readonly existing: readonly (string | null)[] }
> & { readonly verb: 'enqueue'; readonly batch: string; readonly jobs: readonly EnqueuedJob[] };

export type ExchangeCall = Answered<
  | { readonly status: 'lost' | 'stale' }
  | { readonly status: 'gap'; readonly last: number }
  | {
      readonly status: 'done';
      readonly claimed: readonly string[];
      readonly refused: readonly string[];
      readonly refusedAcks: number;
      readonly dropped: readonly string[];
    }
> & {
  readonly verb: 'exchange';
  readonly daemon: string;
  readonly lane: number;
  readonly number: number;
  readonly acks: readonly string[];
  readonly others: readonly SettledJob[];
};

export type Call =
  | EnqueueCall
  | ExchangeCall
  | (Answered<'opened' | 'refused'> & { readonly verb: 'open'; readonly daemon: string })
  | (Answered<{ readonly status: 'renewed'; readonly inFlight: number } | { readonly status: 'lost' }> & {
      readonly verb: 'heartbeat';
      readonly daemon: string;
    })
  | (Answered<
      { readonly status: 'synced'; readonly tokens: readonly string[] } | { readonly status: 'lost' }
    > & {
      readonly verb: 'resync';
      readonly daemon: string;
      readonly numbers: readonly number[];
    })
  | (Answered<boolean> & { readonly verb: 'close'; readonly daemon: string })
  | (Answered<{ readonly status: 'alive' } | { readonly status: 'reclaimed'; readonly more: boolean }> & {
      readonly verb: 'reclaim';
      readonly daemon: string;
      readonly proven: boolean;
    })
  | (Answered<{ readonly tick: number }> & { readonly verb: 'watermark'; readonly schedule: string })
  | (Answered<{ readonly tick: number | null; readonly holder: string | null }> & {
      readonly verb: 'fire';
      readonly schedule: string;
      readonly previous: number;
      readonly tick: number;
      readonly job: EnqueuedJob;
    })
  | (Answered<null> & { readonly verb: 'other'; readonly name: Verb });

/** The request of a script with its keys and arguments, and the reply if one came. */
export function callOf(verb: Verb, words: readonly string[], reply: Value | undefined): Call {
  const keyCount = Number(words[2]);
  const keys = words.slice(3, 3 + keyCount);
  const args = words.slice(3 + keyCount);
  const queue = /\{[^:}]*:([^}]*)\}/.exec(keys[0] ?? '')?.[1] ?? '';
  const base = reply instanceof ReplyError ? { queue, error: reply.message } : { queue };
  const answer = reply === undefined || reply instanceof ReplyError ? undefined : (reply as Reply);
  return readers[verb]?.({ base, keys, args, answer }) ?? { ...base, verb: 'other', name: verb };
}

interface Raw {
  readonly base: { readonly queue: string; readonly error?: string };
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly answer: Reply | undefined;
}

const readers: Partial<Record<Verb, (raw: Raw) => Call>> = {
  enqueue: ({ base, keys, args, answer }) => {
    const jobs = jobsOf(args.slice(3));
    const batch = /:batch:(.*)$/.exec(keys[0] ?? '')?.[1] ?? '';
    const reply = answer === undefined ? undefined : decodeEnqueue(answer, jobs.length);
    return { ...base, verb: 'enqueue', batch, jobs, ...optional(reply) };
  },
  open: ({ base, args, answer }) => ({
    ...base,
    verb: 'open',
    daemon: args[0] ?? '',
    ...optional(answer === undefined ? undefined : decodeOpen(answer)),
  }),
  exchange: readExchange,
  heartbeat: ({ base, args, answer }) => ({
    ...base,
    verb: 'heartbeat',
    daemon: args[0] ?? '',
    ...optional(answer === undefined ? undefined : decodeHeartbeat(answer)),
  }),
  resync: ({ base, args, answer }) => ({
    ...base,
    verb: 'resync',
    daemon: args[0] ?? '',
    numbers: [Number(args[2]), Number(args[3])],
    ...optional(answer === undefined ? undefined : decodeResync(answer)),
  }),
  close: ({ base, args, answer }) => ({
    ...base,
    verb: 'close',
    daemon: args[0] ?? '',
    ...optional(answer === undefined ? undefined : answer === 1),
  }),
  reclaim: ({ base, args, answer }) => ({
    ...base,
    verb: 'reclaim',
    daemon: args[0] ?? '',
    proven: args[2] === '1',
    ...optional(answer === undefined ? undefined : decodeReclaim(answer)),
  }),
  watermark: ({ base, args, answer }) => ({
    ...base,
    verb: 'watermark',
    schedule: args[0] ?? '',
    ...optional(answer === undefined ? undefined : { tick: decodeWatermark(answer).watermark.tick }),
  }),
  fire: ({ base, args, answer }) => {
    const mark = answer === undefined ? undefined : decodeFire(answer).watermark;
    return {
      ...base,
      verb: 'fire',
      schedule: args[0] ?? '',
      previous: Number(args[1]),
      tick: Number(args[2]),
      job: jobOf(args.at(-1) ?? ''),
      ...optional(
        mark === undefined ? undefined : { tick: mark?.tick ?? null, holder: mark?.holder ?? null },
      ),
    };
  },
};

function readExchange({ base, args, answer }: Raw): Call {
  const plain = Number(args[12]);
  const rest = args.slice(13 + plain);
  const others: SettledJob[] = [];
  for (let i = 0; i < rest.length; i += 7) {
    others.push({ type: rest[i] ?? '', token: rest[i + 1] ?? '', count: rest[i + 3] ?? '' });
  }
  return {
    ...base,
    verb: 'exchange',
    daemon: args[0] ?? '',
    lane: Number(args[2]),
    number: Number(args[3]),
    acks: args.slice(13, 13 + plain),
    others,
    ...optional(answer === undefined ? undefined : exchangeReply(answer)),
  };
}

function exchangeReply(answer: Reply): NonNullable<ExchangeCall['reply']> {
  const reply = decodeExchange(answer);
  if (reply.status !== 'done') return reply;
  const { jobs, refused, refusedAcks, dropped } = reply;
  return {
    status: 'done',
    claimed: jobs.map(({ token }) => token),
    refused,
    refusedAcks,
    dropped: dropped.map(({ id }) => id),
  };
}

/** The groups of an enqueue, in the order of the batch. */
function jobsOf(args: readonly string[]): EnqueuedJob[] {
  const jobs: EnqueuedJob[] = [];
  for (let i = 0; i < args.length; ) {
    const [kind, count] = [args[i], Number(args[i + 1])];
    const width = kind === 'u' ? 6 : kind === 'd' ? 2 : 1;
    i += 2;
    for (let n = 0; n < count; n++, i += width) jobs.push(jobOf(args[i + width - 1] ?? ''));
  }
  return jobs;
}

function jobOf(record: string): EnqueuedJob {
  const { id, unique, input, keepResult } = decodeJob(record);
  return { id, unique, keepResult, tag: /"tag":"([^"]*)"/.exec(input)?.[1] ?? null };
}

/** The token under which a record is in flight once it is claimed next. */
export function nextToken(record: string): string {
  const { id, claims } = decodeJob(record);
  return tokenOf(id, claims + 1);
}

const optional = <T>(reply: T | undefined): { reply?: T } => (reply === undefined ? {} : { reply });

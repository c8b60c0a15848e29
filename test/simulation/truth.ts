/** What must be true of one queue: the state that the calls executed so far ought to have left. */

import assert from 'node:assert/strict';
import type { EnqueueReply } from '../../src/broker/messages/enqueue.ts';
import type { ExchangeDone } from '../../src/broker/messages/exchange.ts';
import type { QueuePause } from '../../src/broker/messages/operator.ts';
import type { Watermark } from '../../src/broker/messages/schedule.ts';
import type { EpochMs } from '../../src/lib/clock.ts';

/** An invariant of the design does not hold. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}

export type Place =
  | { readonly at: 'ready' }
  | { readonly at: 'delayed'; readonly dueAt: EpochMs }
  | { readonly at: 'in_flight'; readonly daemon: string; readonly token: string; readonly alone: boolean }
  | { readonly at: 'dead'; readonly diedAt: EpochMs }
  | { readonly at: 'ended'; readonly how: 'completed' | 'expired' | 'cancelled' | 'deleted' };

export interface TrueJob {
  readonly id: string;
  readonly priority: number;
  readonly flags: string;
  readonly expiresAt: EpochMs;
  readonly unique: string;
  readonly meta: string;
  readonly input: string;
  claims: number;
  failures: number;
  crashes: number;
  recoveries: number;
  error: string;
  place: Place;
}

export interface TrueLane {
  number: number;
  answer: ExchangeDone | null;
}

export interface TrueSession {
  state: 'live' | 'taken' | 'buried';
  deadlineAt: EpochMs;
  /** True time of the last renewal that was carried out. */
  renewedAt: number;
  lanes: [TrueLane, TrueLane];
  /** Moved by a reclaim so far. */
  moved: number;
}

export interface QueueTruth {
  readonly jobs: Map<string, TrueJob>;
  readonly sessions: Map<string, TrueSession>;
  /** By batch id: what the first call answered. */
  readonly batches: Map<string, Extract<EnqueueReply, { status: 'stored' }>['existing']>;
  /** By purge id: how many the first call removed. */
  readonly purges: Map<string, number>;
  readonly unique: Map<string, string>;
  readonly schedules: Map<string, Watermark>;
  pause: QueuePause;
  /** The highest time at which a call was carried out that may have been remembered. */
  highest: EpochMs;
  /** The highest time that is remembered at least: what was valid until then is late for ever. */
  remembered: EpochMs;
}

export const emptyTruth = (): QueueTruth => ({
  jobs: new Map(),
  sessions: new Map(),
  batches: new Map(),
  purges: new Map(),
  unique: new Map(),
  schedules: new Map(),
  pause: { version: 0, pausedAt: null },
  highest: 0,
  remembered: 0,
});

/** Written from the design, not with the product's code. */
export function readRecord(record: string, delayMs: number, now: EpochMs): TrueJob {
  const [u, m, e] = [
    Number(record.slice(66, 69)),
    Number(record.slice(69, 73)),
    Number(record.slice(73, 77)),
  ];
  return {
    id: record.slice(1, 37),
    claims: Number(record.slice(37, 44)),
    failures: Number(record.slice(44, 47)),
    crashes: Number(record.slice(47, 49)),
    recoveries: Number(record.slice(49, 51)),
    priority: Number(record[51]),
    flags: record[52] ?? '',
    expiresAt: Number(record.slice(53, 66)),
    unique: record.slice(77, 77 + u),
    meta: record.slice(77 + u, 77 + u + m),
    error: record.slice(77 + u + m, 77 + u + m + e),
    input: record.slice(77 + u + m + e),
    place: delayMs > 0 ? { at: 'delayed', dueAt: now + delayMs } : { at: 'ready' },
  };
}

export function recordText(job: TrueJob): string {
  const digits = (value: number, width: number) => String(value).padStart(width, '0');
  return [
    '1',
    job.id,
    digits(job.claims, 7),
    digits(job.failures, 3),
    digits(job.crashes, 2),
    digits(job.recoveries, 2),
    String(job.priority),
    job.flags,
    digits(job.expiresAt, 13),
    digits(job.unique.length, 3),
    digits(job.meta.length, 4),
    digits(job.error.length, 4),
    job.unique,
    job.meta,
    job.error,
    job.input,
  ].join('');
}

export const isSuspect = (job: TrueJob): boolean => job.recoveries >= 2;

export const claimsOf = (token: string): number => Number(token.slice(37));

/** A renewal that was carried out at true time `at`. */
export function renew(session: TrueSession, deadlineAt: EpochMs, at: number): void {
  session.deadlineAt = deadlineAt;
  session.renewedAt = at;
}

/** The store notes the time only when it is a second later than what it knows. */
const NOTED_WITHIN_MS = 1_000;

export function remember(truth: QueueTruth, now: EpochMs): void {
  truth.remembered = Math.max(truth.remembered, now - NOTED_WITHIN_MS);
}

/** Whether what is valid until `notAfterAt` is too late for certain. */
export const isLate = (truth: QueueTruth, notAfterAt: EpochMs, now: EpochMs): boolean =>
  Math.max(now, truth.remembered) > notAfterAt;

/** A job that was removed while it waited, or when it was dead. */
export function remove(truth: QueueTruth, job: TrueJob): void {
  const how = job.place.at === 'dead' ? 'deleted' : 'cancelled';
  job.place = { at: 'ended', how };
  if (how === 'cancelled' && truth.unique.get(job.unique) === job.id) truth.unique.delete(job.unique);
}

export const sorted = (texts: readonly string[]): string[] => texts.toSorted((a, b) => (a < b ? -1 : 1));

/** @throws Violation */
export function same(invariant: string, actual: unknown, expected: unknown, message: string): void {
  try {
    assert.deepEqual(actual, expected);
  } catch {
    throw new Violation(
      invariant,
      `${message}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`,
    );
  }
}

/**
 * Which jobs are meant: what `--where` says, read by job-filter-parser.ts. Pure.
 *
 * Terms are joined by "and". Each compares one fact of a job. A job that lacks the fact (a ready job has no `dead_for`)
 * fits no term about it, except `!=`: so `unique=*` are jobs with a unique key and `unique!=*` those without.
 */

import type { JobState } from '../broker/messages/operator.ts';
import type { EpochMs } from '../lib/clock.ts';
import type { StoredJobReport } from './messages/jobs.ts';
import { matchesPattern } from './text-pattern.ts';

export const JOB_STATES = ['in_flight', 'ready', 'delayed', 'dead'] as const satisfies readonly JobState[];

export const OPERATORS = ['!=', '<=', '>=', '=', '<', '>'] as const;
export type Operator = (typeof OPERATORS)[number];

/** What a field is compared with, and so which operators it takes. */
export type FieldKind = 'state' | 'text' | 'count' | 'duration';

/** `durations` are told as seen from now: of `due_in` and `expires_in` forwards, else backwards. */
export const FIELDS = {
  state: 'state',
  task: 'text',
  queue: 'text',
  id: 'text',
  unique: 'text',
  error: 'text',
  priority: 'count',
  attempt: 'count',
  failures: 'count',
  crashes: 'count',
  recoveries: 'count',
  age: 'duration',
  due_in: 'duration',
  dead_for: 'duration',
  expires_in: 'duration',
} as const satisfies Readonly<Record<string, FieldKind>>;
export type Field = keyof typeof FIELDS;

/** The operators that a kind of field takes. */
export const OPERATORS_OF: Readonly<Record<FieldKind, readonly Operator[]>> = {
  state: ['=', '!='],
  text: ['=', '!='],
  count: ['=', '!=', '<', '<=', '>', '>='],
  duration: ['<', '<=', '>', '>='],
};

/** One comparison. Of several values `=` wants one to fit, `!=` none; the other operators have one value. */
export interface Term {
  readonly field: Field;
  readonly operator: Operator;
  /** Patterns of texts and states; numbers and milliseconds as they are. */
  readonly values: readonly (string | number)[];
}

/** All terms hold; never empty: nothing is said is not the same as everything is meant. */
export type JobFilter = readonly Term[];

/** `now` on the clock that the job's times are on. */
export function matchesJob(filter: JobFilter, job: StoredJobReport, now: EpochMs): boolean {
  return filter.every((term) => holds(term, factOf(job, term.field, now)));
}

/** The states that a job can have which fits: a scan reads no others. */
export const statesOf = (filter: JobFilter): JobState[] => JOB_STATES.filter(fitting(filter, 'state'));

/** Those of the queues where a job can be which fits. */
export const queuesOf = (filter: JobFilter, queues: readonly string[]): string[] =>
  queues.filter(fitting(filter, 'queue'));

function fitting(filter: JobFilter, field: Field): (value: string) => boolean {
  const terms = filter.filter((term) => term.field === field);
  return (value) => terms.every((term) => holds(term, value));
}

function holds({ operator, values }: Term, fact: string | number | null): boolean {
  const isOneOf = () => fact !== null && values.some((value) => equals(fact, value));
  if (operator === '=') return isOneOf();
  if (operator === '!=') return !isOneOf();
  const limit = Number(values[0]);
  return fact !== null && COMPARE[operator](Number(fact), limit);
}

const equals = (fact: string | number, value: string | number): boolean =>
  typeof fact === 'string' ? matchesPattern(String(value), fact) : fact === value;

const COMPARE: Readonly<Record<Exclude<Operator, '=' | '!='>, (fact: number, limit: number) => boolean>> = {
  '<': (fact, limit) => fact < limit,
  '<=': (fact, limit) => fact <= limit,
  '>': (fact, limit) => fact > limit,
  '>=': (fact, limit) => fact >= limit,
};

/** Null: the job has no such fact. */
function factOf(job: StoredJobReport, field: Field, now: EpochMs): string | number | null {
  switch (field) {
    case 'error':
      return job.error === null ? null : `${job.error.name}: ${job.error.message}`;
    case 'age':
      return distance(job.created_at, (at) => now - at);
    case 'due_in':
      return distance(job.due_at, (at) => at - now);
    case 'dead_for':
      return distance(job.died_at, (at) => now - at);
    case 'expires_in':
      return distance(job.expires_at, (at) => at - now);
    default:
      return job[field];
  }
}

function distance(time: string | null, measure: (at: EpochMs) => number): number | null {
  return time === null ? null : measure(Date.parse(time));
}

import { decodeJob, type Job, recordId } from '../broker/job-record.ts';
import type { ResultRecord } from '../broker/messages/exchange.ts';
import type { StoredJob } from '../broker/messages/operator.ts';
import { type EpochMs, isoTime } from '../lib/clock.ts';
import { toErrorRecord } from '../lib/errors.ts';
import { type EndedJobReport, idTime, type StoredJobReport } from './messages/jobs.ts';

export interface JobReportOptions {
  readonly queue: string;
  /** Those of its pool; null when they are not known. */
  readonly tasks: ReadonlyMap<string, unknown> | null;
  /** Of the running attempt, if it is known. */
  readonly progress: StoredJobReport['progress'];
  readonly input: boolean;
}

/**
 * A stored job for people and programs. What is no record of ours has no task, and as its error what is wrong with it; its
 * input is all of it.
 */
export function jobReport(
  stored: StoredJob,
  { queue, tasks, progress, input }: JobReportOptions,
): StoredJobReport {
  const job = read(stored.record);
  const { id, task, failures, crashes, recoveries, priority, unique, error } = job;
  return {
    schema: 'forkloop.job/1',
    id,
    task,
    task_loaded: tasks?.has(task) ?? null,
    queue,
    state: stored.state,
    claims: job.claims,
    attempt: stored.state === 'dead' ? Math.max(1, failures) : failures + 1,
    failures,
    crashes,
    recoveries,
    priority,
    created_at: isoTimeOrNull(idTime(id)),
    due_at: stored.state === 'delayed' ? isoTimeOrNull(stored.at) : null,
    died_at: stored.state === 'dead' ? isoTimeOrNull(stored.at) : null,
    expires_at: job.expiresAt === 0 ? null : isoTimeOrNull(job.expiresAt),
    unique,
    error,
    progress,
    ...(input ? { input: parsed(job.input) } : {}),
  };
}

function read(record: string): Job {
  try {
    return decodeJob(record);
  } catch (error) {
    const counters = { claims: 0, failures: 0, crashes: 0, recoveries: 0, priority: 0, expiresAt: 0 };
    const nothing = { task: '', keepResult: false, unique: null, options: {} };
    return { ...counters, ...nothing, id: recordId(record), error: toErrorRecord(error), input: record };
  }
}

/** What a kept result tells of a job that is gone. */
export function endedJobReport(queue: string, id: string, json: string): EndedJobReport {
  const record = JSON.parse(json) as ResultRecord;
  // A dead job is found as such while the dead set holds it; afterwards its end reads like any other.
  const about = { schema: 'forkloop.job/1', id, queue, created_at: isoTimeOrNull(idTime(id)) } as const;
  return record.status === 'completed'
    ? { ...about, state: 'completed', result: record.result }
    : { ...about, state: record.status, error: record.error };
}

/** ISO 8601 in UTC; null for null and for what no calendar holds. */
export const isoTimeOrNull = (at: EpochMs | null): string | null =>
  at === null || !(Math.abs(at) <= LAST_DATE) ? null : isoTime(at);

/** The last millisecond that a Date can hold. */
const LAST_DATE = 8.64e15;

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

/** What the verbs of an operator must answer and do. */

import type {
  DeleteReply,
  DeleteRequest,
  JobState,
  JobTarget,
  ListRequest,
  PurgeReply,
  PurgeRequest,
  QueueStats,
  RetryReply,
  StoredJob,
} from '../../src/broker/messages/operator.ts';
import type { EpochMs } from '../../src/lib/clock.ts';
import type { QueueImage } from './sim-store.ts';
import {
  isLate,
  isSuspect,
  type QueueTruth,
  recordText,
  remove,
  same,
  type TrueJob,
  Violation,
} from './truth.ts';

/** @throws Violation */
export function checkRetry(
  truth: QueueTruth,
  { id, claims }: JobTarget,
  reply: RetryReply,
  now: EpochMs,
): void {
  const job = standing(truth, id);
  const expected = retryOf(truth, job, claims, now);
  same('P4', reply, expected, `the retry of ${id}, seen after ${claims} claims, was answered otherwise`);
  const waits = job?.place.at === 'dead' || job?.place.at === 'delayed';
  if (job === null || expected.status !== 'ready' || !waits) return;
  job.claims += 1;
  job.failures = 0;
  job.crashes = 0;
  job.recoveries = 0;
  job.place = { at: 'ready' };
  if (job.unique !== '') truth.unique.set(job.unique, id);
}

function retryOf(truth: QueueTruth, job: TrueJob | null, claims: number, now: EpochMs): RetryReply {
  if (job === null) return { status: 'gone' };
  if (job.place.at === 'in_flight') return { status: 'in_flight' };
  if (job.place.at === 'ready') return { status: 'ready' };
  if (job.claims !== claims) return { status: 'changed' };
  if (job.expiresAt !== 0 && job.expiresAt <= now) return { status: 'expired' };
  const holder = job.unique === '' ? undefined : truth.unique.get(job.unique);
  return holder === undefined || holder === job.id ? { status: 'ready' } : { status: 'held', holder };
}

/** @throws Violation */
export function checkDelete(truth: QueueTruth, { id, claims }: DeleteRequest, reply: DeleteReply): void {
  const job = standing(truth, id);
  const isHere = job !== null && job.place.at !== 'in_flight' && job.claims === claims;
  const isHeld = job?.place.at === 'in_flight';
  const status = isHeld ? 'in_flight' : job === null || isHere ? 'gone' : 'changed';
  same('P4', reply, { status }, `the delete of ${id}, seen after ${claims} claims, was answered otherwise`);
  if (isHere) remove(truth, job);
}

/** @throws Violation */
export function checkPurge(
  truth: QueueTruth,
  { id, notAfterAt, state, limit }: PurgeRequest,
  reply: PurgeReply,
  image: QueueImage,
  now: EpochMs,
): void {
  if (reply.status === 'late') {
    if (Math.max(now, truth.highest) <= notAfterAt)
      throw new Violation('P4', 'a purge was called late in time');
    return;
  }
  if (isLate(truth, notAfterAt, now)) throw new Violation('P4', 'a purge was carried out after its time');
  const before = jobsIn(truth, state);
  const known = truth.purges.get(id);
  if (known !== undefined) {
    const expected = [known, before.length > 0];
    same('P4', [reply.removed, reply.more], expected, 'a repeated purge was answered otherwise');
    return;
  }
  const here = new Set(image.jobs.map(({ record }) => record.slice(1, 37)));
  const removed = before.filter((job) => !here.has(job.id));
  const left = before.filter((job) => here.has(job.id));
  if (removed.length !== Math.min(limit, before.length))
    throw new Violation('P4', `a purge of ${limit} removed ${removed.length} of ${before.length} ${state}`);
  same(
    'P4',
    [reply.removed, reply.more],
    [removed.length, left.length > 0],
    'a purge tells of other jobs than it removed',
  );
  const last = Math.max(...removed.map(rankOf));
  const next = left.find((job) => rankOf(job) < last);
  if (next !== undefined) throw new Violation('P4', `a purge of ${state} jobs passed over ${next.id}`);
  for (const job of removed) remove(truth, job);
  truth.purges.set(id, removed.length);
}

/** @throws Violation */
export function checkList(
  truth: QueueTruth,
  { state, limit }: ListRequest,
  reply: readonly StoredJob[],
): void {
  const stored = jobsIn(truth, state);
  if (reply.length !== Math.min(limit, stored.length))
    throw new Violation('I12', `${reply.length} of ${stored.length} ${state} jobs were listed`);
  const seen = new Set<string>();
  for (const one of reply) {
    const id = one.record.slice(1, 37);
    const job = standing(truth, id);
    if (job === null || seen.has(id) || job.place.at !== state)
      throw new Violation('I12', `job ${id} was listed as ${state}`);
    seen.add(id);
    same('I12', one, asStored(job), `job ${id} was shown otherwise than it is`);
  }
  const times = reply.map(({ at }) => (state === 'dead' ? -(at ?? 0) : (at ?? 0)));
  same(
    'I12',
    times,
    times.toSorted((a, b) => a - b),
    `${state} jobs were listed in another order`,
  );
}

/** @throws Violation */
export function checkFind(truth: QueueTruth, id: string, reply: StoredJob | null): void {
  const job = standing(truth, id);
  same('I12', reply, job === null ? null : asStored(job), `job ${id} was found otherwise than it is`);
}

/** @throws Violation */
export function checkStats(truth: QueueTruth, reply: QueueStats): void {
  const { ready, delayed, inFlight, dead, pause } = reply;
  const expected = (['ready', 'delayed', 'in_flight', 'dead'] as const).map(
    (state) => jobsIn(truth, state).length,
  );
  same('I12', [ready, delayed, inFlight, dead], expected, 'other numbers of jobs were told');
  same('P4', pause, truth.pause, 'the queue is said to be paused otherwise');
}

function standing(truth: QueueTruth, id: string): TrueJob | null {
  const job = truth.jobs.get(id);
  return job === undefined || job.place.at === 'ended' ? null : job;
}

const jobsIn = (truth: QueueTruth, state: JobState): TrueJob[] =>
  [...truth.jobs.values()].filter(({ place }) => place.at === state);

function asStored(job: TrueJob): StoredJob {
  const { place } = job;
  const state = place.at as JobState;
  const at = place.at === 'delayed' ? place.dueAt : place.at === 'dead' ? place.diedAt : null;
  return { state, record: recordText(job), at, daemon: place.at === 'in_flight' ? place.daemon : null };
}

/** Where it stands in the order of a purge, as far as that is known: jobs of one line are all alike. */
function rankOf(job: TrueJob): number {
  const { place } = job;
  if (place.at === 'delayed') return place.dueAt;
  if (place.at === 'dead') return place.diedAt;
  return isSuspect(job) ? -1 : job.priority;
}

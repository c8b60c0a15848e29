import type { EpochMs } from '../../src/lib/clock.ts';
import type { QueueImage, Standing } from './sim-store.ts';
import { isSuspect, type QueueTruth, recordText, same, type TrueJob, Violation } from './truth.ts';

/** Compares what a queue holds with what it must hold (I12, I13). @throws Violation */
export function compareImage(truth: QueueTruth, image: QueueImage, now: EpochMs): void {
  const found = new Set<string>();
  for (const standing of image.jobs) {
    const id = standing.record.slice(1, 37);
    if (found.has(id)) throw new Violation('P6', `job ${id} is in two places`);
    found.add(id);
    const job = truth.jobs.get(id);
    if (job === undefined)
      throw new Violation('I12', `a job that must not be there is ${standing.place}: ${id}`);
    compareJob(truth, job, standing, now);
  }
  for (const job of truth.jobs.values()) {
    if (job.place.at !== 'ended' && !found.has(job.id))
      throw new Violation('I1', `job ${job.id} must be ${job.place.at} and is nowhere`);
  }
  compareLeases(truth, image);
  compareMaps('I13', 'unique key', image.unique, truth.unique, (id) => id);
  compareMaps('I6', 'schedule', image.schedules, truth.schedules, ({ tick, holder }) => `${tick} ${holder}`);
  same('P4', image.pause, truth.pause, 'the queue is paused otherwise');
  if (image.quarantined > 0)
    throw new Violation('I10', `${image.quarantined} records went into the quarantine`);
}

function compareJob(truth: QueueTruth, job: TrueJob, standing: Standing, now: EpochMs): void {
  const where = `job ${job.id} must be ${job.place.at} and is ${standing.place}`;
  switch (job.place.at) {
    case 'ready':
      if (standing.place !== lineOf(job)) throw new Violation('P6', where);
      if (standing.place === 'ready' && standing.priority !== job.priority)
        throw new Violation(
          'P6',
          `job ${job.id} of priority ${job.priority} is in line ${standing.priority}`,
        );
      break;
    case 'delayed':
      if (standing.place !== 'delayed') {
        const isDue = job.place.dueAt <= now && truth.pause.pausedAt === null;
        if (!isDue || standing.place !== lineOf(job)) throw new Violation('P6', where);
        job.place = { at: 'ready' };
      } else if (standing.at !== job.place.dueAt) {
        throw new Violation('P6', `job ${job.id} is due at ${standing.at}, not at ${job.place.dueAt}`);
      }
      break;
    case 'dead':
      if (standing.place !== 'dead') throw new Violation('P6', where);
      if (standing.at !== job.place.diedAt)
        throw new Violation('P6', `job ${job.id} died at ${standing.at}, not at ${job.place.diedAt}`);
      break;
    case 'in_flight':
      if (standing.place !== 'in_flight' || standing.daemon !== job.place.daemon)
        throw new Violation('P6', where);
      if (standing.token !== null && standing.token !== job.place.token)
        throw new Violation(
          'I5',
          `job ${job.id} is in flight as ${standing.token}, not as ${job.place.token}`,
        );
      break;
    case 'ended':
      throw new Violation('P6', where);
  }
  if (standing.record !== recordText(job))
    throw new Violation('I10', `the record of job ${job.id} is ${standing.record}, not ${recordText(job)}`);
}

const lineOf = (job: TrueJob): 'ready' | 'suspects' => (isSuspect(job) ? 'suspects' : 'ready');

function compareLeases(truth: QueueTruth, image: QueueImage): void {
  const holders = new Set(image.jobs.map(({ daemon }) => daemon));
  if (image.leases === null) return;
  for (const [daemon, session] of truth.sessions) {
    const lease = image.leases.get(daemon);
    const expected =
      session.state === 'taken' ? -1 : session.state === 'live' ? session.deadlineAt : undefined;
    if (lease !== expected) throw new Violation('I12', `the lease of ${daemon} is ${lease}, not ${expected}`);
  }
  for (const daemon of image.leases.keys()) {
    if (!truth.sessions.has(daemon))
      throw new Violation('I12', `there is a lease of ${daemon}, which was never opened`);
  }
  for (const daemon of [...holders, ...(image.holding ?? [])]) {
    if (daemon !== null && !image.leases.has(daemon))
      throw new Violation('I12', `jobs are in flight at ${daemon}, which has no lease`);
  }
}

function compareMaps<T>(
  invariant: string,
  what: string,
  actual: ReadonlyMap<string, T>,
  expected: ReadonlyMap<string, T>,
  text: (value: T) => string,
): void {
  for (const [name, value] of expected) {
    const is = actual.get(name);
    if (is === undefined || text(is) !== text(value))
      throw new Violation(
        invariant,
        `${what} ${name} must be ${text(value)}, is ${is === undefined ? 'free' : text(is)}`,
      );
  }
  for (const name of actual.keys()) {
    if (!expected.has(name))
      throw new Violation(invariant, `${what} ${name} must be free, is ${text(actual.get(name) as T)}`);
  }
}

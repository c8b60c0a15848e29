import type {
  ExchangeDone,
  ExchangeReply,
  ExchangeRequest,
  Settlement,
} from '../../src/broker/messages/exchange.ts';
import type { EpochMs } from '../../src/lib/clock.ts';
import {
  claimsOf,
  isSuspect,
  type QueueTruth,
  recordText,
  remember,
  renew,
  same,
  sorted,
  type TrueJob,
  Violation,
} from './truth.ts';

/** What an exchange must answer and do. */
export class ExchangeOracle {
  /** @throws Violation */
  check(truth: QueueTruth, request: ExchangeRequest, reply: ExchangeReply, now: EpochMs, at: number): void {
    const { daemon, lane, number } = request;
    const session = truth.sessions.get(daemon);
    if (session?.state !== 'live') {
      if (reply.status !== 'lost')
        throw new Violation('I5', `${daemon} exchanged although its lease is gone`);
      return;
    }
    if (reply.status === 'lost')
      throw new Violation('I3', `${daemon} was refused although its lease was not taken`);
    const last = session.lanes[lane];
    const expected = number > last.number + 1 ? 'gap' : number < last.number ? 'stale' : 'done';
    const voided = number === last.number && last.answer === null;
    const wanted = voided ? 'stale' : expected;
    if (reply.status !== wanted) {
      const message = `exchange ${number} of lane ${lane} after ${last.number} was answered ${reply.status}, not ${wanted}`;
      throw new Violation(wanted === 'done' && number > last.number ? 'P1' : 'I4', message);
    }
    if (reply.status === 'gap') same('P4', reply.last, last.number, 'a gap names another last number');
    if (reply.status !== 'done') return;
    if (number === last.number) {
      this.#repeated(truth, last.answer as ExchangeDone, reply, daemon);
      renew(session, now + request.leaseMs, at);
      return;
    }
    this.#settled(truth, request, reply, now);
    this.#dropped(truth, reply, now);
    this.#claimed(truth, request, reply, now);
    session.lanes[lane] = { number, answer: reply };
    remember(truth, now);
    renew(session, now + request.leaseMs, at);
  }

  /** A repeat answers what the first call answered, without what has left since. */
  #repeated(truth: QueueTruth, first: ExchangeDone, reply: ExchangeDone, daemon: string): void {
    const still = first.jobs.filter(({ token }) => {
      const place = truth.jobs.get(token.slice(0, 36))?.place;
      return place?.at === 'in_flight' && place.daemon === daemon && place.token === token;
    });
    same('P4', told(reply.jobs), told(still), 'a repeat brought other jobs');
    same('P4', sorted(reply.refused), sorted(first.refused), 'a repeat refused others');
    same('P4', reply.refusedAcks, first.refusedAcks, 'a repeat refused more or fewer acks');
    same('P4', reply.dropped, first.dropped, 'a repeat dropped others');
  }

  #settled(truth: QueueTruth, request: ExchangeRequest, reply: ExchangeDone, now: EpochMs): void {
    const refused: string[] = [];
    let refusedAcks = 0;
    for (const settlement of request.settle) {
      const { token } = settlement;
      const job = truth.jobs.get(token.slice(0, 36));
      const place = job?.place;
      const ours = place?.at === 'in_flight' && place.daemon === request.daemon && place.token === token;
      if (job !== undefined && ours) settle(truth, job, settlement, now);
      else if (settlement.type === 'ack' && settlement.result === undefined) refusedAcks++;
      else refused.push(token);
    }
    same('I2', sorted(reply.refused), sorted(refused), 'other settlements were refused than are not ours');
    same('I2', reply.refusedAcks, refusedAcks, 'more or fewer acks were refused than are not ours');
  }

  #dropped(truth: QueueTruth, reply: ExchangeDone, now: EpochMs): void {
    for (const { id, reason } of reply.dropped) {
      const job = truth.jobs.get(id);
      if (job === undefined || reason !== 'expired' || !claimable(job, now))
        throw new Violation('I1', `job ${id} was dropped as ${reason}`);
      if (job.expiresAt === 0 || job.expiresAt > now)
        throw new Violation('I1', `job ${id} expired before its time`);
      end(truth, job, 'expired');
    }
  }

  #claimed(truth: QueueTruth, request: ExchangeRequest, reply: ExchangeDone, now: EpochMs): void {
    const { daemon, want } = request;
    const isPaused = truth.pause.pausedAt !== null;
    if (isPaused && (reply.jobs.length > 0 || reply.more || reply.suspects || reply.nextDueMs !== null))
      throw new Violation('P4', 'a paused queue brings jobs, or promises some');
    if (reply.jobs.length > want)
      throw new Violation('I5', `${reply.jobs.length} jobs came, ${want} were wanted`);
    for (const { token, record, alone } of reply.jobs) {
      const job = truth.jobs.get(token.slice(0, 36));
      if (job === undefined) throw new Violation('I1', `a job that is not known was claimed: ${token}`);
      if (!claimable(job, now)) throw new Violation('I2', `${token} was claimed, but it is ${job.place.at}`);
      if (claimsOf(token) !== job.claims + 1)
        throw new Violation('I5', `${token} was claimed after ${job.claims} claims`);
      if (job.expiresAt !== 0 && job.expiresAt <= now)
        throw new Violation('I1', `${token} was claimed, expired`);
      same('I10', record, recordText(job), `the record of ${token} is another`);
      if (alone !== isSuspect(job))
        throw new Violation('I7', `${token} was claimed ${alone ? '' : 'not '}alone`);
      if (alone && (!request.alone || reply.jobs.length > 1))
        throw new Violation('I7', `the suspect ${token} was not claimed alone`);
      job.place = { at: 'in_flight', daemon, token, alone };
    }
  }
}

const told = (jobs: ExchangeDone['jobs']) =>
  sorted(jobs.map(({ token, record, alone }) => `${token} ${alone} ${record}`));

const claimable = ({ place }: TrueJob, now: EpochMs): boolean =>
  place.at === 'ready' || (place.at === 'delayed' && place.dueAt <= now);

function end(truth: QueueTruth, job: TrueJob, how: 'completed' | 'expired'): void {
  job.place = { at: 'ended', how };
  if (truth.unique.get(job.unique) === job.id) truth.unique.delete(job.unique);
}

function settle(truth: QueueTruth, job: TrueJob, settlement: Settlement, now: EpochMs): void {
  job.claims = claimsOf(settlement.token);
  if (settlement.type === 'ack') {
    end(truth, job, 'completed');
    return;
  }
  if (settlement.type === 'retry' || settlement.type === 'dead') {
    job.error = settlement.error;
    if (settlement.count === 'failure') job.failures += 1;
    if (settlement.count === 'crash') job.crashes += 1;
    if (settlement.count === 'recovery') job.recoveries += 1;
    if (settlement.count === 'failure') job.recoveries = 0;
  }
  switch (settlement.type) {
    case 'dead':
      job.place = { at: 'dead', diedAt: now };
      if (truth.unique.get(job.unique) === job.id) truth.unique.delete(job.unique);
      return;
    case 'release':
      job.place = { at: 'ready' };
      return;
    case 'snooze':
      job.recoveries = 0;
      break;
  }
  const delayMs = Math.round(settlement.delayMs);
  job.place = delayMs > 0 ? { at: 'delayed', dueAt: now + delayMs } : { at: 'ready' };
}

import type { ExchangeDone, Settlement } from '../broker/messages/exchange.ts';
import type { ErrorRecord } from '../lib/errors.ts';
import type { LogFields, Logger } from '../lib/logger.ts';
import type { Ended } from '../pool/pool.ts';
import type { PreparedJob } from './delivery.ts';

/** One record for each attempt that ended: what did not go well can be seen without looking for it. */
export function logEnd(log: Logger, { delivery, outcome, runMs }: Ended, settlement: Settlement): void {
  if (settlement.type === 'ack' && !log.isOn('debug')) return;
  const fields: LogFields = {
    queue: delivery.queue,
    task: delivery.task,
    job_id: delivery.id,
    attempt: delivery.attempt,
    outcome: outcome.type,
    ...(runMs === null ? {} : { duration_ms: Math.round(runMs) }),
    ...('error' in outcome ? { err: outcome.error } : {}),
  };
  if (settlement.type === 'dead') log.error('job dead', fields);
  else if (settlement.type === 'retry')
    log.warn('attempt failed, job will run again', { ...fields, delay_ms: settlement.delayMs });
  else if (settlement.type === 'ack') log.debug('job completed', fields);
  else log.debug('job put back', fields);
}

/** What an exchange brought that somebody should know of. */
export function logReply(log: Logger, queue: string, { dropped, refused, refusedAcks }: ExchangeDone): void {
  for (const { id, reason } of dropped)
    log.warn(`a job ended without running: ${reason}`, { queue, job_id: id });
  const count = refused.length + refusedAcks;
  if (count > 0)
    log.warn('settlements were refused: the deliveries were not ours any more', { queue, count });
}

export function logCorrupt(log: Logger, queue: string, token: string, error: ErrorRecord): void {
  log.error('a job cannot be read and is dead', { queue, token, error: error.message });
}

export function logExhausted(log: Logger, queue: string, { job }: PreparedJob): void {
  const { id, task, crashes } = job;
  log.error('job dead: it took its worker or daemon down too often', { queue, task, job_id: id, crashes });
}

export function logUnknownTask(log: Logger, queue: string, task: string, delayMs: number): void {
  log.warn('no task of that name is loaded here, the job waits', { queue, task, delay_ms: delayMs });
}

export function logDiscarded(log: Logger, { delivery, outcome }: Ended): void {
  const fields = { job_id: delivery.id, task: delivery.task, outcome: outcome.type };
  log.warn('an outcome came after its lease was lost and is discarded', fields);
}

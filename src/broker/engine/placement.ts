/** Where a settlement puts a job: pure. */

import type { EpochMs } from '../../lib/clock.ts';
import { type Settlement, SUSPECT_RECOVERIES } from '../messages/exchange.ts';
import { type Counters, type Header, rewrite } from './header.ts';
import { DEAD, DELAYED, type JobKey, type Line, type Move, READY, SUSPECTS } from './shelf.ts';

/** The line a job waits in when it is ready. */
export const readyLine = (header: Pick<Header, 'recoveries' | 'priority'>): Line =>
  header.recoveries >= SUSPECT_RECOVERIES ? SUSPECTS : READY + header.priority;

/** Of a delivery that does not end its job well. */
export function placeSettled(
  job: { key: JobKey; record: string; header: Header },
  settlement: Exclude<Settlement, { type: 'ack' }>,
  now: EpochMs,
): Move {
  const { key, record, header } = job;
  const claimed = { ...header, claims: header.claims + 1 };
  switch (settlement.type) {
    case 'retry': {
      const counters = counted(claimed, settlement.count);
      return {
        key,
        record: rewrite(record, counters, settlement.error),
        ...waiting(header, counters, settlement.delayMs, now),
      };
    }
    case 'snooze': {
      const counters = { ...claimed, recoveries: 0 };
      return {
        key,
        record: rewrite(record, counters),
        ...waiting(header, counters, settlement.delayMs, now),
      };
    }
    case 'release':
      return { key, record: rewrite(record, claimed), line: readyLine(header), rank: 'head' };
    case 'dead':
      return {
        key,
        record: rewrite(record, counted(claimed, settlement.count), settlement.error),
        line: DEAD,
        rank: now,
      };
  }
}

/** Of a job whose daemon is gone. A suspect ran alone: its daemon's death is its own crash. */
export function placeReclaimed(job: { key: JobKey; record: string; header: Header }): Move {
  const { key, record, header } = job;
  const claimed = { ...header, claims: header.claims + 1 };
  const counters = counted(claimed, header.recoveries >= SUSPECT_RECOVERIES ? 'crash' : 'recovery');
  const line = readyLine({ priority: header.priority, recoveries: counters.recoveries });
  return { key, record: rewrite(record, counters), line, rank: 'head' };
}

/** A failure is a settled attempt: the job did not take its worker down. A crash leaves a suspect a suspect. */
function counted(counters: Counters, count: 'failure' | 'crash' | 'recovery' | 'none'): Counters {
  switch (count) {
    case 'failure':
      return { ...counters, failures: counters.failures + 1, recoveries: 0 };
    case 'crash':
      return { ...counters, crashes: counters.crashes + 1 };
    case 'recovery':
      return { ...counters, recoveries: counters.recoveries + 1 };
    case 'none':
      return counters;
  }
}

/** A whole number that a file can hold, whatever is asked for: what cannot be stored would be asked for again for ever. */
export const dueAt = (now: EpochMs, delayMs: number): EpochMs =>
  Math.min(now + Math.max(0, Math.round(delayMs) || 0), Number.MAX_SAFE_INTEGER);

function waiting(
  header: Header,
  counters: Counters,
  delayMs: number,
  now: EpochMs,
): Pick<Move, 'line' | 'rank'> {
  if (delayMs > 0) return { line: DELAYED, rank: dueAt(now, delayMs) };
  return { line: readyLine({ priority: header.priority, recoveries: counters.recoveries }), rank: 'tail' };
}

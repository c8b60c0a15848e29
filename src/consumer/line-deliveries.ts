/** What becomes of a line's claimed jobs, and of its deliveries when the pool has ended them. */

import type { ClaimedJob } from '../broker/messages/exchange.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { Delivery, Ended, Pool } from '../pool/pool.ts';
import { logCorrupt, logDiscarded, logEnd, logExhausted, logUnknownTask } from './consumer-log.ts';
import { type PreparedJob, prepare } from './delivery.ts';
import type { QueueLine } from './queue-line.ts';
import { exhausted, type SettledAttempt, settlementOf, unreadable } from './settlement.ts';

/** Holds those that the pool can run and answers their deliveries; the others are settled. */
export function holdAll(
  line: QueueLine,
  jobs: readonly ClaimedJob[],
  pool: Pick<Pool, 'tasks' | 'has'>,
  log: Logger,
): Delivery[] {
  const deliveries: Delivery[] = [];
  for (const claimed of jobs) {
    if (pool.has(claimed.token)) {
      // A broker that was brought back to an earlier state hands out anew what was given up here and has not quite ended: under
      // another token the two are told apart.
      line.settle({ type: 'release', token: claimed.token });
      continue;
    }
    const result = prepare(claimed, line.settings, pool.tasks);
    if (result.type === 'ready') {
      line.held.set(claimed.token, { prepared: result.prepared, daemon: line.session.daemon });
      deliveries.push(result.prepared.delivery);
    } else if (result.type === 'exhausted') {
      logExhausted(log, line.name, result.prepared);
      line.settle(exhausted(attemptOf(result.prepared)));
    } else if (result.type === 'corrupt') {
      logCorrupt(log, line.name, claimed.token, result.error);
      line.settle(unreadable(claimed.token, result.error));
    } else {
      logUnknownTask(log, line.name, result.task, result.delayMs);
      line.settle({ type: 'snooze', token: claimed.token, delayMs: result.delayMs });
    }
  }
  return deliveries;
}

/** Settles an ended delivery that is held; what was claimed under a lost lease is discarded. */
export function settleEnded(line: QueueLine, ended: Ended, random: Random, log: Logger): void {
  const held = line.held.get(ended.delivery.token);
  if (held === undefined) return;
  line.held.delete(ended.delivery.token);
  if (held.daemon !== line.session.daemon) {
    logDiscarded(log, ended);
    return;
  }
  const settlement = settlementOf(attemptOf(held.prepared), ended.outcome, random);
  logEnd(log, ended, settlement);
  line.settle(settlement);
}

function attemptOf({ job, delivery: { token }, retry, resultTtlMs }: PreparedJob): SettledAttempt {
  return { token, failures: job.failures, crashes: job.crashes, retry, resultTtlMs };
}

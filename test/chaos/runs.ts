/** What the handlers themselves wrote, held against what Redis was told of them. */

import type { Recorded } from './history.ts';
import type { Model } from './model.ts';
import type { Report } from './violations.ts';

export interface Run {
  readonly id: string;
  readonly token: string;
  readonly task: string;
  readonly process: number;
  readonly from: number;
  readonly sum: string;
  readonly tag: string | null;
  /** When it ended by itself; its process was seen for the last time; or nothing is known. */
  to: number;
  how: 'end' | 'fail' | 'died' | 'open';
}

/** One for each start, in their order. */
export function runsOf(history: readonly Recorded[], report: Report): Run[] {
  const runs: Run[] = [];
  /** By delivery and process: after a rollback two processes may have the same delivery. */
  const open = new Map<string, Run>();
  const keyOf = (token: string, process: number) => `${token} ${process}`;
  const starts = new Map<string, number>();
  const rollbacks = history.flatMap(({ kind, t }) => (kind === 'rollback' ? [t] : []));
  for (const event of history) {
    if (event.kind === 'start') {
      const before = starts.get(event.token) ?? 0;
      starts.set(event.token, before + 1);
      // Redis forgets what it handed out when it is brought back to an earlier state.
      if (before > rollbacks.filter((t) => t < event.t).length)
        report('I4', event.t, `delivery ${event.token} was started twice`);
      const { id, token, task, sum, tag = null, t, pid } = event;
      const run: Run = {
        id,
        token,
        task,
        sum,
        tag,
        process: pid,
        from: t,
        to: Number.POSITIVE_INFINITY,
        how: 'open',
      };
      runs.push(run);
      open.set(keyOf(token, pid), run);
    } else if (event.kind === 'end' || event.kind === 'fail') {
      const key = keyOf(event.token, event.pid);
      const run = open.get(key);
      if (run !== undefined) Object.assign(run, { to: event.t, how: event.kind });
      open.delete(key);
    } else if (event.kind === 'process_gone') {
      for (const [key, run] of open) {
        if (run.process !== event.process) continue;
        Object.assign(run, { to: Math.max(run.from, event.lastSeen), how: 'died' });
        open.delete(key);
      }
    }
  }
  return runs;
}

export function checkRuns(
  runs: readonly Run[],
  history: readonly Recorded[],
  model: Model,
  sums: ReadonlyMap<string, string>,
  report: Report,
): void {
  const byToken = new Map<string, Run[]>();
  for (const run of runs) byToken.set(run.token, [...(byToken.get(run.token) ?? []), run]);
  const died = new Set(history.flatMap((event) => (event.kind === 'process_gone' ? [event.process] : [])));
  for (const run of runs) {
    if (!model.claimed.has(run.token) && model.rollbacks === 0)
      report('I5', run.from, `delivery ${run.token} was started, but Redis never handed it out`);
    const sum = sums.get(model.jobs.get(run.id)?.tag ?? '');
    if (sum !== undefined && sum !== run.sum)
      report('I10', run.from, `job ${run.id} got another input than was enqueued`);
  }
  for (const [token, { how, type, count, t }] of model.left) {
    if (how !== 'settled') continue;
    const own = byToken.get(token) ?? [];
    const ends = own.map((run) => run.how).join(', ') || 'none';
    if (type === 'ack' && !own.some((run) => run.how === 'end'))
      report('I1', t, `${token} was acknowledged, its run: ${ends}`);
    // It may die after its last line and before its master hears of it.
    const mayHaveCrashed = ({ how, process }: Run) => how === 'died' || how === 'open' || died.has(process);
    if (count === 'crash' && !own.some(mayHaveCrashed))
      report('I7', t, `a crash of ${token} was counted, its run: ${ends}`);
  }
  checkOverlaps(runs, model, report);
}

function checkOverlaps(runs: readonly Run[], model: Model, report: Report): void {
  const byJob = new Map<string, Run[]>();
  for (const run of runs) byJob.set(run.id, [...(byJob.get(run.id) ?? []), run]);
  for (const ofJob of byJob.values()) {
    for (const [index, first] of ofJob.entries()) {
      const second = ofJob[index + 1];
      if (second === undefined || second.from >= first.to) continue;
      // Handed out anew after a rollback, or `runsOf` has told of it.
      if (second.token === first.token) continue;
      const how = model.left.get(first.token)?.how;
      if (how === 'reclaimed' || how === 'lost') continue;
      report(
        'I3',
        second.from,
        `${second.token} ran beside ${first.token}, which was ${how ?? 'still in flight'}`,
      );
    }
  }
}

/** What may have kept the outcome of a run from its store: deaths, and the times at which something stood still. */

import type { Recorded } from './history.ts';
import type { Run } from './runs.ts';

interface Span {
  readonly from: number;
  readonly to: number;
}

interface Death extends Span {
  /** Null: a daemon and all its workers. */
  readonly process: number | null;
}

export class Interruptions {
  /** In which faults last, in order, none touching another. */
  readonly #spans: readonly Span[];
  /** Of workers and daemons: from when a process was last seen until it was known to be gone. */
  readonly #deaths: readonly Death[];

  constructor(history: readonly Recorded[]) {
    this.#spans = spansOf(history);
    this.#deaths = history.flatMap((event): Death[] => {
      if (event.kind === 'process_gone')
        return [{ from: event.lastSeen, to: event.t, process: event.process }];
      if (event.kind === 'daemon' && event.what === 'gone')
        return [{ from: event.t, to: event.t, process: null }];
      return [];
    });
  }

  /** How much of a time no fault lasted. */
  calm(from: number, to: number): number {
    let calm = to - from;
    for (const span of this.#spans) calm -= Math.max(0, Math.min(span.to, to) - Math.max(span.from, from));
    return calm;
  }

  /** Whether a death can be why the end of a run was not stored before its job ran again at `again`. */
  lost(run: Run, again: number, withinMs: number): boolean {
    return this.#deaths.some(
      ({ from, to, process }) =>
        (process === null || process === run.process) &&
        to >= run.to &&
        from <= again &&
        this.calm(run.to, to) <= withinMs,
    );
  }
}

function spansOf(history: readonly Recorded[]): Span[] {
  const open = new Map<string, number>();
  const spans: Span[] = [];
  let since = 0;
  let lasting = 0;
  for (const event of history) {
    if (event.kind !== 'fault' && event.kind !== 'fault_over') continue;
    const name = JSON.stringify(event.action);
    const count = open.get(name) ?? 0;
    if (event.kind === 'fault') {
      open.set(name, count + 1);
      if (lasting++ === 0) since = event.t;
    } else if (count > 0) {
      open.set(name, count - 1);
      if (--lasting === 0) spans.push({ from: since, to: event.t });
    }
  }
  if (lasting > 0) spans.push({ from: since, to: Number.POSITIVE_INFINITY });
  return spans;
}

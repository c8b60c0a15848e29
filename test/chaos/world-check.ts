/** What must hold of the processes of a run, whatever the broker is. */

import type { Recorded } from './history.ts';
import type { Report } from './violations.ts';

/** Connections for blocking reads are kept for the next one. */
export const SPARE_FDS = 6;

export function checkWorld(history: readonly Recorded[], report: Report): void {
  const before = new Map<string, { fds: number; processes: number }>();
  for (const event of history) {
    const { t } = event;
    if (event.kind === 'orphans' && event.count > 0)
      report('I8', t, `${event.count} processes of ${event.name} lived on after its end`);
    if (event.kind === 'quiet' && event.left > 0)
      report(
        'I9',
        t,
        `${event.left} jobs had not ended ${Math.round(event.withinMs)} ms after the last fault`,
      );
    if (event.kind === 'stopped') {
      if (event.code !== 0) report('I11', t, `${event.name} was asked to stop and ended with ${event.code}`);
      if (event.ms > event.withinMs)
        report('I11', t, `${event.name} took ${Math.round(event.ms)} ms to stop, it has ${event.withinMs}`);
    }
    if (event.kind === 'idle' && event.when === 'before') before.set(event.name, event);
    if (event.kind === 'idle' && event.when === 'after') {
      const base = before.get(event.name);
      if (base !== undefined && event.fds > base.fds + SPARE_FDS)
        report('I14', t, `${event.name} has ${event.fds} open files at rest, it began with ${base.fds}`);
      if (base !== undefined && event.processes > base.processes)
        report(
          'I14',
          t,
          `${event.name} has ${event.processes} processes at rest, it began with ${base.processes}`,
        );
    }
  }
}

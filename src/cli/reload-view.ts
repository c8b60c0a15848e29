import type { ReloadReport } from '../control/messages/daemon.ts';
import { cleanLines, renderTable } from './table.ts';

const HEADLINES: Readonly<Record<ReloadReport['outcome'], string>> = {
  applied: 'applied',
  unchanged: 'nothing has changed',
  planned: 'this would change:',
  invalid: 'refused, the old configuration stays:',
  restart_needed: 'refused, the old configuration stays:',
  failed: 'failed, the old workers stay:',
};

const EFFECTS = { hot: 'at once', roll: 'workers are replaced', restart: 'needs a restart' } as const;

type Change = ReloadReport['changes'][number];

/** The plan of a reload and how it ended, for people. */
export function reloadView({ outcome, generation, changes, message }: ReloadReport, width: number): string {
  const columns = [
    { header: 'CHANGE', value: ({ path }: Change) => path },
    { header: 'FROM', value: ({ from }: Change) => shown(from), shrink: true },
    { header: 'TO', value: ({ to }: Change) => shown(to), shrink: true },
    { header: 'EFFECT', value: effectOf },
  ];
  return [
    outcome === 'applied' ? `applied: generation ${generation}` : HEADLINES[outcome],
    ...(changes.length === 0 ? [] : [renderTable(columns, changes, { width })]),
    ...(message === '' ? [] : [cleanLines(message)]),
  ].join('\n');
}

const effectOf = ({ effect, pool }: Change): string =>
  effect === 'roll' && pool === null ? 'workers of every pool are replaced' : EFFECTS[effect];

const shown = (value: unknown): string =>
  value === null ? '-' : typeof value === 'string' ? value : JSON.stringify(value);

import { ALL, CATEGORIES, type Category, type Run, summarize, timesFaster, typical } from './statistics.ts';
import { formatMs, formatTimes } from './text.ts';

const COLUMNS = ['mean', 'p50', 'p95', 'max'] as const;
const LABEL_WIDTH = 34;
const WIDTH = 11;

/** The result for the terminal: at most 80 columns, no colours. */
export function renderTable(modes: readonly (readonly Run[])[]): string {
  const runs = modes.map(typical);
  const head = `${'time to completion'.padEnd(LABEL_WIDTH)}${COLUMNS.map((name) => name.padStart(WIDTH)).join('')}`;
  const lines = CATEGORIES.flatMap((category) => ['', ...linesOf(runs, category)]);
  return [head, ...lines, '', ...comparison(runs), ...spread(modes), ''].join('\n');
}

function linesOf(runs: readonly Run[], category: Category): string[] {
  const title = `${category.name} (${summarize(runs[0]!, category).count})`;
  return [
    title,
    ...runs.map((run) => {
      const summary = summarize(run, category);
      const cells = COLUMNS.map((name) => formatMs(summary[name]).padStart(WIDTH));
      return `${`  ${run.label}`.padEnd(LABEL_WIDTH)}${cells.join('')}`;
    }),
  ];
}

function comparison(runs: readonly Run[]): string[] {
  const both = runs.find(({ mode }) => mode === 'both')!;
  return runs
    .filter((run) => run !== both)
    .map((run) => {
      const [all, ...parts] = [ALL, ...CATEGORIES.slice(0, 2)].map((category) =>
        formatTimes(timesFaster(both, run, category)),
      );
      return `both: ${all} faster on average than ${run.label} (CPU ${parts[0]}, I/O ${parts[1]})`;
    });
}

/** With several runs of each mode: the table shows the middle one, this how far the others are from it. */
function spread(modes: readonly (readonly Run[])[]): string[] {
  const count = modes[0]!.length;
  if (count === 1) return [];
  return [
    '',
    `Each ran ${count} times; above is the middle run. Mean over all jobs, best to worst:`,
    ...modes.map((runs) => {
      const means = runs.map((run) => summarize(run, ALL).mean).sort((a, b) => a - b);
      return `  ${runs[0]!.label.padEnd(LABEL_WIDTH - 2)}${formatMs(means[0]!)} to ${formatMs(means.at(-1)!)}`;
    }),
  ];
}

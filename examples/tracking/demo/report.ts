import { cumulativeChart } from './chart.ts';
import { STYLE } from './report-style.ts';
import {
  ALL,
  CATEGORIES,
  type Category,
  type Run,
  summarize,
  timesFaster,
  typical,
  within,
} from './statistics.ts';
import { formatMs, formatTimes } from './text.ts';

export interface ReportFacts {
  /** What was run, in a sentence or two. */
  readonly load: string;
  readonly machine: string;
  readonly seed: number;
  /** EpochMs. */
  readonly at: number;
}

/** The result as one HTML page that needs nothing else: no script, no font, no network. */
export function renderReport(modes: readonly (readonly Run[])[], facts: ReportFacts): string {
  const runs = modes.map(typical);
  const both = runs.find(({ mode }) => mode === 'both')!;
  const better = runs
    .filter((run) => run !== both)
    .sort((a, b) => summarize(a, ALL).mean - summarize(b, ALL).mean)[0]!;
  const endMs = Math.max(...runs.flatMap(({ completions }) => completions.map(({ doneAt }) => doneAt)));
  const repeats = modes[0]!.length;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>forkloop demo: ${formatTimes(timesFaster(both, better))} faster with both pools</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<p class="name">forkloop demo</p>
<h1>Both pools together complete jobs <em>${formatTimes(timesFaster(both, better))}</em> faster on average than the ${better.label}</h1>
<p class="load">${escapeHtml(facts.load)}</p>
</header>
<ul class="legend">
${runs.map((run) => `<li><i class="${run.mode}"></i><b>${run.label}</b> all done after ${formatMs(endOf(run))}</li>`).join('\n')}
<li><i class="arrived"></i>arrived by then</li>
</ul>
<section class="panels">
${CATEGORIES.map((category) => panel(runs, category, endMs)).join('\n')}
</section>
<table>
<caption>Time to completion, from planned arrival to the result at the client${repeats > 1 ? ` (the middle one of ${repeats} runs)` : ''}</caption>
<thead><tr><th></th><th>mean</th><th>p50</th><th>p95</th><th>max</th><th>both is faster by</th></tr></thead>
${CATEGORIES.map((category) => rows(runs, both, category)).join('\n')}
</table>
<footer>
<p>${escapeHtml(facts.machine)}. Seed ${facts.seed}. ${new Date(facts.at).toISOString().slice(0, 16).replace('T', ' ')} UTC. Made by <code>npm run demo</code>.</p>
</footer>
</main>
</body>
</html>
`;
}

function panel(runs: readonly Run[], category: Category, endMs: number): string {
  const risingBy = (run: Run, time: 'plannedAt' | 'doneAt') =>
    within(run, category)
      .map((completion) => completion[time])
      .sort((a, b) => a - b);
  const arrived = risingBy(runs[0]!, 'plannedAt');
  const series = runs.map((run) => ({ name: run.mode, times: risingBy(run, 'doneAt') }));
  const means = runs.map((run) => summarize(run, category).mean);
  const worst = Math.max(...means);
  const bars = runs.map(
    (run, i) =>
      `<div class="bar"><span>${run.label}</span><b style="--share:${((100 * means[i]!) / worst).toFixed(2)}%" class="${run.mode}"></b><span class="value">${formatMs(means[i]!)}</span></div>`,
  );
  return `<article>
<h2>${category.name} <small>${arrived.length}</small></h2>
<h3>Share done over time</h3>
${cumulativeChart(category.name, arrived, series, endMs)}
<h3>Mean time to completion</h3>
${bars.join('\n')}
</article>`;
}

function rows(runs: readonly Run[], both: Run, category: Category): string {
  const lines = runs.map((run) => {
    const { mean, p50, p95, max } = summarize(run, category);
    const cells = [mean, p50, p95, max].map((value) => `<td>${formatMs(value)}</td>`).join('');
    const factor = run === both ? '' : formatTimes(timesFaster(both, run, category));
    return `<tr class="${run.mode}"><th scope="row"><i class="${run.mode}"></i>${run.label}</th>${cells}<td>${factor}</td></tr>`;
  });
  return `<tbody><tr class="group"><th colspan="6" scope="rowgroup">${category.name}</th></tr>${lines.join('\n')}</tbody>`;
}

const endOf = ({ completions }: Run): number => Math.max(...completions.map(({ doneAt }) => doneAt));

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

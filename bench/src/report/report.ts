import type { Findings, Suite } from '../suites/suite.ts';
import type { Bar } from './bars.ts';
import { escapeHtml } from './escape.ts';
import { renderPlot } from './render-plot.ts';
import { STYLE } from './style.ts';
import type { Table } from './table.ts';

export interface SuiteReport {
  readonly suite: Suite;
  readonly findings: Findings;
}

export interface RunFacts {
  readonly machine: string;
  /** ISO 8601. */
  readonly at: string;
  readonly quick: boolean;
  readonly seed: number;
}

/** All suites as one HTML page that needs nothing else: no script, no font, no network. */
export function renderReport(reports: readonly SuiteReport[], facts: RunFacts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>forkloop benchmark</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>forkloop benchmark</h1>
<p class="soft">${escapeHtml(facts.machine)}. ${escapeHtml(facts.at.slice(0, 16).replace('T', ' '))} UTC, seed ${facts.seed}.</p>
${facts.quick ? '<p class="warning">A quick run: small loads and few rounds. It shows that everything works; its figures are not to be quoted.</p>' : ''}
<nav>${reports.map(({ suite }) => `<a href="#${suite.name}">${suite.name}</a>`).join(' ')}</nav>
</header>
${reports.map(section).join('\n')}
</main>
</body>
</html>
`;
}

function section({ suite, findings }: SuiteReport): string {
  return `<section id="${suite.name}">
<h2>${escapeHtml(suite.title)}</h2>
${findings.bars.length > 0 ? barsOf(findings.bars) : ''}
<div class="plots">
${findings.plots.map(renderPlot).join('\n')}
</div>
${findings.tables.map(tableOf).join('\n')}
${findings.notes.map((note) => `<p class="soft note">${escapeHtml(note)}</p>`).join('\n')}
</section>`;
}

function barsOf(bars: readonly Bar[]): string {
  const rows = bars.map(({ bar, figure, met }) => {
    const [name, word] =
      met === null ? ['unknown', 'not measured'] : met ? ['met', 'met'] : ['missed', 'not met'];
    return `<tr><th scope="row">${escapeHtml(bar)}</th><td>${escapeHtml(figure)}</td><td class="${name}">${word}</td></tr>`;
  });
  return `<div class="scroll"><table class="bars"><thead><tr><th>bar</th><th>figure</th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function tableOf({ title, head, rows }: Table): string {
  const cells = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column === 0 ? `<th scope="row">${escapeHtml(cell)}</th>` : `<td>${escapeHtml(cell)}</td>`,
      )
      .join('');
  return `<div class="scroll"><table><caption>${escapeHtml(title)}</caption><thead><tr>${head.map((name) => `<th>${escapeHtml(name)}</th>`).join('')}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</tbody></table></div>`;
}

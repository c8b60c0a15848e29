import { distributionSvg } from './distribution-svg.ts';
import { escapeHtml } from './escape.ts';
import { lineSvg } from './line-svg.ts';
import type { Plot } from './plot.ts';
import { stripSvg } from './strip-svg.ts';

/** A card with the plot as inline SVG. */
export function renderPlot(plot: Plot): string {
  const svg =
    plot.type === 'strip' ? stripSvg(plot) : plot.type === 'line' ? lineSvg(plot) : distributionSvg(plot);
  const legend = plot.type === 'strip' ? '' : legendOf(plot.series.map(({ label }) => label));
  return `<article><h3>${escapeHtml(plot.title)} <small>${escapeHtml(plot.unit)}</small></h3>${legend}${svg}</article>`;
}

function legendOf(labels: readonly string[]): string {
  return `<ul class="legend">${labels.map((label, index) => `<li><i class="b${index % 8}"></i>${escapeHtml(label)}</li>`).join('')}</ul>`;
}

import { escapeHtml } from './escape.ts';
import { tickText } from './numbers.ts';
import type { DistributionPlot } from './plot.ts';
import { logScale, tenth } from './scale.ts';

const WIDTH = 520;
const HEIGHT = 260;
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 14, 8, 30];
const STEPS = 200;

/** For each series the share of values at or below x, x on a logarithmic axis: the whole distribution, tails included. */
export function distributionSvg({ title, unit, series }: DistributionPlot): string {
  const shown = series.filter(({ values }) => values.length > 0);
  const all = shown.flatMap(({ values }) => [least(values), most(values)]);
  const x = logScale(Math.max(Math.min(...all), 1e-3), Math.max(...all), LEFT, WIDTH - RIGHT);
  const y = (share: number) => tenth(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share));
  const rows = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(share)}" y2="${y(share)}"/><text x="${LEFT - 6}" y="${y(share) + 4}" text-anchor="end">${share * 100} %</text>`,
  );
  const columns = x.ticks.map(
    (tick) =>
      `<line class="grid" x1="${x.at(tick)}" x2="${x.at(tick)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/><text x="${x.at(tick)}" y="${HEIGHT - 14}" text-anchor="middle">${tickText(tick)}</text>`,
  );
  const lines = series.map(({ values, dashed }, index) =>
    values.length === 0
      ? ''
      : `<path class="line k${index % 8}${dashed ? ' dashed' : ''}" d="${path(values, x.at, y)}"/>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}: distribution">${rows.join('')}${columns.join('')}${lines.join('')}<text x="${WIDTH - RIGHT}" y="${HEIGHT}" text-anchor="end">${escapeHtml(unit)}</text></svg>`;
}

function path(values: readonly number[], x: (value: number) => number, y: (share: number) => number): string {
  const sorted = Float64Array.from(values).sort((a, b) => a - b);
  const steps = Math.min(STEPS, sorted.length);
  const points = Array.from({ length: steps }, (_, step) => {
    const index = Math.ceil(((step + 1) * sorted.length) / steps) - 1;
    return `${x(sorted[index] as number)} ${y((index + 1) / sorted.length)}`;
  });
  return `M${x(sorted[0] as number)} ${y(0)}L${points.join('L')}`;
}

const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));
const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));

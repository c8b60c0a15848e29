import { escapeHtml } from './escape.ts';
import { tickText } from './numbers.ts';
import type { LinePlot } from './plot.ts';
import { linearScale, logScale } from './scale.ts';

const WIDTH = 520;
const HEIGHT = 260;
const [LEFT, RIGHT, TOP, BOTTOM] = [50, 14, 8, 30];

/** A cost over a growing size; the size on a logarithmic axis, the cost from zero. */
export function lineSvg({ title, x: what, series }: LinePlot): string {
  const points = series.flatMap((one) => one.points).filter(([, value]) => Number.isFinite(value));
  const sizes = points.map(([size]) => size);
  const x = logScale(Math.min(...sizes), Math.max(...sizes), LEFT, WIDTH - RIGHT);
  const y = linearScale(Math.max(...points.map(([, value]) => value)), HEIGHT - BOTTOM, TOP);
  const rows = y.ticks.map(
    (tick) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.at(tick)}" y2="${y.at(tick)}"/><text x="${LEFT - 6}" y="${y.at(tick) + 4}" text-anchor="end">${tickText(tick)}</text>`,
  );
  const columns = [...new Set(sizes)].map(
    (size) => `<text x="${x.at(size)}" y="${HEIGHT - 14}" text-anchor="middle">${tickText(size)}</text>`,
  );
  const lines = series.map(({ points: own }, index) => {
    const good = own.filter(([, value]) => Number.isFinite(value));
    const places = good.map(([size, value]) => `${x.at(size)} ${y.at(value)}`);
    const dots = good.map(
      ([size, value]) => `<circle class="f${index % 8}" cx="${x.at(size)}" cy="${y.at(value)}" r="3.5"/>`,
    );
    return good.length === 0
      ? ''
      : `<path class="line k${index % 8}" d="M${places.join('L')}"/>${dots.join('')}`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">${rows.join('')}${columns.join('')}${lines.join('')}<text x="${WIDTH - RIGHT}" y="${HEIGHT}" text-anchor="end">${escapeHtml(what)}</text></svg>`;
}

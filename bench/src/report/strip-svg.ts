import { median } from '../measure/quantile.ts';
import { escapeHtml } from './escape.ts';
import { short, tickText } from './numbers.ts';
import type { StripPlot } from './plot.ts';
import { linearScale } from './scale.ts';

const WIDTH = 520;
const LEFT = 200;
const RIGHT = 52;
const ROW = 22;
const AXIS = 22;

/** A row for each contender: every round a dot, the median a stroke with its number. */
export function stripSvg({ title, rows }: StripPlot): string {
  const shown = rows.filter(({ values }) => values.length > 0);
  const height = shown.length * ROW + AXIS;
  const scale = linearScale(Math.max(0, ...shown.flatMap(({ values }) => values)), LEFT, WIDTH - RIGHT);
  const grid = scale.ticks.map((tick) => {
    const x = scale.at(tick);
    return `<line class="grid" x1="${x}" x2="${x}" y1="0" y2="${height - AXIS}"/><text x="${x}" y="${height - 6}" text-anchor="middle">${tickText(tick)}</text>`;
  });
  const marks = shown.map(({ label, values }, index) => {
    const y = index * ROW + ROW / 2;
    const color = label.startsWith('forkloop') ? 0 : label.startsWith('BullMQ') ? 1 : 2;
    const middle = scale.at(median(values));
    const dots = values.map(
      (value) => `<circle class="dot f${color}" cx="${scale.at(value)}" cy="${y}" r="4"/>`,
    );
    return `<text class="label" x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${escapeHtml(label)}</text>${dots.join('')}<line class="median k${color}" x1="${middle}" x2="${middle}" y1="${y - 8}" y2="${y + 8}"/><text x="${middle + 9}" y="${y + 4}">${short(median(values))}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)}">${grid.join('')}${marks.join('')}</svg>`;
}

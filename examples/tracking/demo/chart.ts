/** A line of a chart: times at which one more of `count` was done, milliseconds, rising. */
export interface Series {
  /** Names the line's class in the style sheet. */
  readonly name: string;
  readonly times: readonly number[];
}

const WIDTH = 360;
const HEIGHT = 236;
const LEFT = 40;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 38;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;
/** Steps closer than this cannot be told apart. */
const LEAST_STEP = 0.6;

/**
 * Cumulative share over time as an inline SVG: a line for each series over the area of what had arrived, so that the gap
 * between the two is what waits. Colours come from the page's style sheet.
 */
export function cumulativeChart(
  title: string,
  arrived: readonly number[],
  series: readonly Series[],
  endMs: number,
): string {
  const end = Math.max(endMs, 1);
  const area = `${stepsOf(arrived, end)}H${WIDTH - RIGHT}V${yOf(0)}Z`;
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}: share done over time">`,
    `<path class="arrived-area" d="${area}"/>`,
    ...shareAxis(),
    ...timeAxis(end),
    ...series.map(({ name, times }) => `<path class="line ${name}" d="${stepsOf(times, end)}"/>`),
    ...series.map(({ name, times }) => dotOf(name, times, end)),
    '</svg>',
  ].join('\n');
}

function shareAxis(): string[] {
  return [0, 25, 50, 75, 100].map((percent) => {
    const y = yOf(percent / 100);
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/><text class="tick" x="${LEFT - 7}" y="${y + 3.5}" text-anchor="end">${percent}${percent === 100 ? ' %' : ''}</text>`;
  });
}

function timeAxis(endMs: number): string[] {
  const step = stepFor(endMs / 1_000);
  const ticks = Array.from({ length: Math.floor(endMs / 1_000 / step + 1e-9) + 1 }, (_, i) => i * step);
  return [
    ...ticks.map((second) => {
      const x = xOf(second * 1_000, endMs);
      return `<line class="mark" x1="${x}" x2="${x}" y1="${yOf(0)}" y2="${yOf(0) + 4}"/><text class="tick" x="${x}" y="${HEIGHT - 20}" text-anchor="middle">${Math.round(second * 10) / 10}</text>`;
    }),
    `<text class="axis" x="${WIDTH - RIGHT}" y="${HEIGHT - 4}" text-anchor="end">seconds since the start</text>`,
  ];
}

/** A step of 1, 2 or 5 times a power of ten that makes about six ticks. */
export function stepFor(range: number): number {
  const power = 10 ** Math.floor(Math.log10(range / 5));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => range / step <= 6) ?? 10 * power;
}

/** A path that rises by one step at each time. */
function stepsOf(times: readonly number[], endMs: number): string {
  let path = `M${LEFT} ${yOf(0)}`;
  let [x, y] = [LEFT, yOf(0)];
  for (const [i, time] of times.entries()) {
    const [nextX, nextY] = [xOf(time, endMs), yOf((i + 1) / times.length)];
    const isLast = i === times.length - 1;
    if (!isLast && nextX - x < LEAST_STEP && y - nextY < LEAST_STEP) continue;
    if (nextX > x) path += `H${nextX}`;
    path += `V${nextY}`;
    [x, y] = [nextX, nextY];
  }
  return path;
}

function dotOf(name: string, times: readonly number[], endMs: number): string {
  return `<circle class="dot ${name}" cx="${xOf(times.at(-1) ?? 0, endMs)}" cy="${yOf(1)}" r="3.6"/>`;
}

const xOf = (ms: number, endMs: number): number => tenth(LEFT + (PLOT_WIDTH * ms) / endMs);
const yOf = (share: number): number => tenth(TOP + PLOT_HEIGHT * (1 - share));
const tenth = (value: number): number => Math.round(value * 10) / 10;

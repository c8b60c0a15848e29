import type { Point } from '../filter/clean.ts';
import type { Trace } from '../filter/filter.ts';

/** A longer silence of a device ends its trip. */
export const TRIP_GAP_MS = 600_000;

/** One line of a CSV of fixes, as read. */
export interface Row {
  readonly device: string;
  readonly lat: number;
  readonly lng: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Where the columns are. */
export type Columns = Readonly<Record<(typeof COLUMNS)[number], number>>;

const COLUMNS = ['lat', 'lng', 'datetime', 'uid'] as const;
const DATETIME = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,3})?$/;

/** Finds the columns by the header line, in any order, others ignored; or says which are missing. */
export function parseHeader(line: string): Columns | string {
  const names = line.split(',').map((name) => name.trim().toLowerCase());
  const missing = COLUMNS.filter((name) => !names.includes(name));
  if (missing.length > 0)
    return `the first line must name the columns ${COLUMNS.join(',')}: no ${missing.join(', ')}`;
  return Object.fromEntries(COLUMNS.map((name) => [name, names.indexOf(name)])) as unknown as Columns;
}

/** A line as a row, or what is wrong with it. Times without a zone are UTC. */
export function parseRow(line: string, columns: Columns): Row | string {
  const cells = line.split(',').map((cell) => cell.trim());
  const cell = (name: keyof Columns) => cells[columns[name]] ?? '';
  const lat = degreesOf(cell('lat'), 90);
  if (lat === null) return `lat: ${JSON.stringify(cell('lat'))} is not a number from -90 to 90`;
  const lng = degreesOf(cell('lng'), 180);
  if (lng === null) return `lng: ${JSON.stringify(cell('lng'))} is not a number from -180 to 180`;
  const at = DATETIME.test(cell('datetime'))
    ? Date.parse(`${cell('datetime').replace(' ', 'T')}Z`)
    : Number.NaN;
  if (Number.isNaN(at))
    return `datetime: ${JSON.stringify(cell('datetime'))} is not like 2008-10-23 05:53:05`;
  if (cell('uid') === '') return 'uid: is empty';
  return { device: cell('uid'), lat, lng, at };
}

function degreesOf(text: string, limit: number): number | null {
  const value = Number(text);
  return text !== '' && Math.abs(value) <= limit ? value : null;
}

/**
 * Cuts a stream of rows into trips: a silence of more than ten minutes ends a device's trip. Rows of several devices may
 * be mixed. A trip has at least two fixes: one alone is no movement, and is counted instead.
 */
export class TripCutter {
  readonly #open = new Map<string, { points: Point[]; last: number }>();
  #lonely = 0;

  /** The trip that ends because of this row, if one does. */
  add({ device, lat, lng, at }: Row): Trace | null {
    const point = { lat, lng, at: new Date(at).toISOString() };
    const trip = this.#open.get(device);
    if (trip !== undefined && at - trip.last <= TRIP_GAP_MS) {
      trip.points.push(point);
      trip.last = at;
      return null;
    }
    this.#open.set(device, { points: [point], last: at });
    return trip === undefined ? null : this.#close(device, trip.points);
  }

  /** The trips that are still open at the end of the input. */
  end(): Trace[] {
    const rest = [...this.#open].map(([device, { points }]) => this.#close(device, points));
    this.#open.clear();
    return rest.filter((trip) => trip !== null);
  }

  /** Fixes that stood alone. */
  get lonely(): number {
    return this.#lonely;
  }

  #close(device: string, points: readonly Point[]): Trace | null {
    if (points.length > 1) return { device, points };
    this.#lonely++;
    return null;
  }
}

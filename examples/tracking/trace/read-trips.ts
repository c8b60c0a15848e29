import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Trace } from '../filter/filter.ts';
import { type Columns, parseHeader, parseRow, TripCutter } from './trips.ts';

export interface ReadReport {
  rows: number;
  bad: number;
  trips: number;
  /** Fixes that stood alone between two gaps, which make no trip. */
  lonely: number;
}

/**
 * The trips of a CSV file, gzipped when its name ends in `.gz`, one after the other: memory holds one open trip per
 * device. `onBad` is told each line that cannot be read, as `file:line: why`; `report` counts along.
 *
 * @throws Error when the file cannot be read, or its first line does not name the columns.
 */
export async function* readTrips(
  path: string,
  onBad: (message: string) => void,
  report: ReadReport = { rows: 0, bad: 0, trips: 0, lonely: 0 },
): AsyncGenerator<Trace> {
  const cutter = new TripCutter();
  let columns: Columns | null = null;
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    if (columns === null) {
      columns = headerOf(path, line);
      continue;
    }
    if (line.trim() === '') continue;
    const row = parseRow(line, columns);
    if (typeof row === 'string') {
      report.bad++;
      onBad(`${path}:${number}: ${row}`);
      continue;
    }
    report.rows++;
    const trip = cutter.add(row);
    report.lonely = cutter.lonely;
    if (trip === null) continue;
    report.trips++;
    yield trip;
  }
  if (columns === null) throw new Error(`${path}: is empty`);
  for (const trip of cutter.end()) {
    report.trips++;
    yield trip;
  }
  report.lonely = cutter.lonely;
}

function headerOf(path: string, line: string): Columns {
  const columns = parseHeader(line.replace(/^\uFEFF/, ''));
  if (typeof columns === 'string') throw new Error(`${path}:1: ${columns}`);
  return columns;
}

/** A broken archive or a missing file ends the iteration with its error, never as an event that nobody hears. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const text = new PassThrough();
  const stages: [Readable, ...NodeJS.ReadWriteStream[]] = path.endsWith('.gz')
    ? [createReadStream(path), createGunzip(), text]
    : [createReadStream(path), text];
  const flow = pipeline(stages).then(
    () => null,
    (error: Error) => error,
  );
  const lines = createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY });
  try {
    yield* lines;
  } finally {
    lines.close();
    text.destroy();
  }
  const error = await flow;
  if (error !== null) throw error;
}

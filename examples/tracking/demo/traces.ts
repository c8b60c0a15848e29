import type { Point } from '../filter/clean.ts';
import { filterTrace, type Trace } from '../filter/filter.ts';
import { locationFilter } from '../tasks/location-filter.ts';
import { generateTrace } from '../trace/generate.ts';
import { seedOf } from '../trace/random.ts';
import { readTrips } from '../trace/read-trips.ts';

/** Makes the `index`th trace with so many fixes. */
export type TraceSource = (index: number, points: number) => Trace;

/** What it takes to know how long a CPU job runs here. */
export interface Calibration {
  readonly points: number;
  readonly jobMs: number;
}

const FEWEST_POINTS = 200;
/** Below the default payload limit of 1 MiB. */
const MOST_POINTS = 12_000;
const FIRST_GUESS = 1_500;
const ROUNDS = 4;
const TIMINGS = 5;

export function generatedTraces(seed: number): TraceSource {
  return (index, points) =>
    generateTrace({ seed: seedOf('demo', seed, index), points, device: `device-${index + 1}` });
}

/** Pieces of real traces, one after the other, from the beginning again when the file is used up. */
export async function tracesOfFile(path: string): Promise<TraceSource> {
  const fixes: Point[] = [];
  for await (const trip of readTrips(path, () => {})) for (const point of trip.points) fixes.push(point);
  if (fixes.length === 0) throw new Error(`${path}: holds no trip`);
  return (index, count) => ({
    device: `device-${index + 1}`,
    points: Array.from({ length: count }, (_, i) => fixes[(index * count + i) % fixes.length]!),
  });
}

/** How many fixes make a CPU job of about `targetMs` on this machine, found by timing the plain function. */
export function calibrate(source: TraceSource, targetMs: number): Calibration {
  let points = FIRST_GUESS;
  let jobMs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    jobMs = timeOf(source, points);
    const wanted = Math.round((points * targetMs) / jobMs);
    const next = Math.min(MOST_POINTS, Math.max(FEWEST_POINTS, wanted));
    if (Math.abs(next / points - 1) < 0.05) break;
    if (round < ROUNDS - 1) points = next;
  }
  return { points, jobMs };
}

/** Median time of what a worker does with a job: read it, check it, filter it, write the result. */
function timeOf(source: TraceSource, points: number): number {
  const times = Array.from({ length: TIMINGS }, (_, i) => {
    const json = JSON.stringify(source(i, points));
    const start = performance.now();
    const checked = locationFilter.schema!['~standard'].validate(JSON.parse(json));
    if (checked instanceof Promise || checked.issues !== undefined)
      throw new Error('a trace of the demo is refused');
    JSON.stringify(filterTrace(checked.value as Trace));
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[Math.floor(TIMINGS / 2)]!;
}

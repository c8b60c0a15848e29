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
const FIRST_GUESS = 2_000;
const ROUNDS = 3;
const CLOSE_ENOUGH = 0.1;
/** Different traces; the CPU jobs take them in turn. */
export const TRACES = 8;

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
  meanCost(source, FIRST_GUESS); // the first calls are slow: not compiled yet
  let points = FIRST_GUESS;
  let jobMs = meanCost(source, points);
  for (let round = 1; round <= ROUNDS && Math.abs(jobMs / targetMs - 1) > CLOSE_ENOUGH; round++) {
    const wanted = Math.round((points * targetMs) / jobMs);
    points = Math.min(MOST_POINTS, Math.max(FEWEST_POINTS, wanted));
    jobMs = meanCost(source, points);
  }
  return { points, jobMs };
}

/**
 * Mean cost of what a worker does with a job: read it, check it, filter it, write the result. In CPU time, because a
 * machine with other things to do must not get smaller jobs.
 */
function meanCost(source: TraceSource, points: number): number {
  const texts = Array.from({ length: TRACES }, (_, i) => JSON.stringify(source(i, points)));
  const before = process.cpuUsage();
  for (const text of texts) {
    const checked = locationFilter.schema!['~standard'].validate(JSON.parse(text));
    if (checked instanceof Promise || checked.issues !== undefined)
      throw new Error('a trace of the demo is refused');
    JSON.stringify(filterTrace(checked.value as Trace));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / TRACES;
}

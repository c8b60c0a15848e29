import { clean, type Fix, type Point } from './clean.ts';
import { haversine } from './geodesy.ts';
import { smoothRobustly } from './robust.ts';
import { simplify } from './simplify.ts';
import { stretchesOf } from './stretch.ts';

export interface Trace {
  readonly device: string;
  readonly points: readonly Point[];
}

export interface FilteredTrace {
  readonly device: string;
  /** Fixes that survived the cleaning; kept + dropped = fixes given. */
  readonly kept: number;
  readonly dropped: number;
  /** Length of the smoothed line before it is simplified, gaps bridged straight; to the decimetre. */
  readonly distance_m: number;
  /** From the first kept fix to the last. */
  readonly duration_s: number;
  /** The simplified line, by time; places to the centimetre. */
  readonly points: readonly Point[];
}

/** How far the smoothed line may lie from the simplified one. */
export const TOLERANCE_M = 3;

/**
 * From noisy fixes to a line that can be drawn and measured: clean, smooth, simplify. A pure function: the same fixes in
 * any order give the same result, to the last digit.
 */
export function filterTrace({ device, points }: Trace): FilteredTrace {
  const fixes = clean(points);
  const stretches = stretchesOf(fixes);
  const lines = smoothRobustly(stretches.map(({ track }) => track));
  const smoothed: Fix[] = [];
  const simplified: Fix[] = [];
  for (const [i, { fixes, projection }] of stretches.entries()) {
    const { x, y } = lines[i]!;
    const line = fixes.map(({ at }, k) => ({ ...projection.toGlobe(x[k]!, y[k]!), at }));
    smoothed.push(...line);
    simplified.push(...simplify(x, y, TOLERANCE_M).map((k) => line[k]!));
  }
  return {
    device,
    kept: fixes.length,
    dropped: points.length - fixes.length,
    distance_m: round(lengthOf(smoothed), 1),
    duration_s: fixes.length === 0 ? 0 : (fixes.at(-1)!.at - fixes[0]!.at) / 1_000,
    points: simplified.map(toPoint),
  };
}

function lengthOf(line: readonly Fix[]): number {
  let length = 0;
  for (let i = 1; i < line.length; i++) length += haversine(line[i - 1]!, line[i]!);
  return length;
}

function toPoint({ lat, lng, at }: Fix): Point {
  return { lat: round(lat, 7), lng: round(lng, 7), at: new Date(at).toISOString() };
}

/** `+ 0` because JSON turns -0 into 0, and a result must be equal to its copy. */
function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor + 0;
}

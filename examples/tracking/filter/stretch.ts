import type { Fix } from './clean.ts';
import type { Track } from './kalman.ts';
import { azimuthalEquidistant, type Projection } from './projection.ts';

/** Fixes without a long gap between them, in a plane of their own. */
export interface Stretch {
  readonly fixes: readonly Fix[];
  readonly projection: Projection;
  readonly track: Track;
}

/** Nothing is known of the movement in a longer gap, so the filter starts anew behind it. */
export const GAP_MS = 600_000;

/** Cuts fixes (by time) at long gaps and projects each stretch around its middle fix. */
export function stretchesOf(fixes: readonly Fix[]): Stretch[] {
  const stretches: Stretch[] = [];
  let start = 0;
  for (let i = 1; i <= fixes.length; i++) {
    if (i < fixes.length && fixes[i]!.at - fixes[i - 1]!.at <= GAP_MS) continue;
    stretches.push(project(fixes.slice(start, i)));
    start = i;
  }
  return stretches;
}

function project(fixes: readonly Fix[]): Stretch {
  const projection = azimuthalEquidistant(fixes[Math.floor(fixes.length / 2)]!);
  const places = fixes.map((fix) => projection.toPlane(fix));
  const from = fixes[0]!.at;
  return {
    fixes,
    projection,
    track: {
      t: Float64Array.from(fixes, ({ at }) => (at - from) / 1_000),
      x: Float64Array.from(places, ({ x }) => x),
      y: Float64Array.from(places, ({ y }) => y),
      trust: new Float64Array(fixes.length).fill(1),
    },
  };
}

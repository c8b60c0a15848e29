import { type Line, type Noise, smooth, type Track } from './kalman.ts';
import { fitNoise } from './noise.ts';

/** Standard deviations up to which a fix is fully trusted: 95 % as efficient as least squares where nothing is wrong. */
const HUBER = 1.345;
/** Smoothing and doubting alternate so often at most, and end when no fix is trusted differently any more. */
const ROUNDS = 8;
const SETTLED = 0.01;

/**
 * Smooths tracks that contain fixes which are wrong but not impossible (reflections between houses): a fix far from the
 * smoothed line is trusted less in the next round, in proportion to the distance, and the noise is fitted anew.
 *
 * Sources: P. J. Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 35 (1), 1964; the
 * iteration as in A. Y. Aravkin et al., "Generalized Kalman Smoothing: Modeling and Algorithms", Automatica 86, 2017.
 */
export function smoothRobustly(tracks: readonly Track[]): Line[] {
  let trusted = tracks;
  for (let round = 1; ; round++) {
    const noise = fitNoise(trusted);
    const lines = trusted.map((track) => smooth(track, noise));
    const doubted = trusted.map((track, i) => doubt(track, lines[i]!, noise));
    if (round === ROUNDS || isSettled(trusted, doubted)) return lines;
    trusted = doubted;
  }
}

function doubt(track: Track, line: Line, noise: Noise): Track {
  const trust = track.trust.map((_, i) => {
    const off = Math.hypot(track.x[i]! - line.x[i]!, track.y[i]! - line.y[i]!);
    return off <= HUBER * noise.fix ? 1 : (HUBER * noise.fix) / off;
  });
  return { ...track, trust };
}

function isSettled(before: readonly Track[], after: readonly Track[]): boolean {
  return before.every(({ trust }, i) =>
    trust.every((value, k) => Math.abs(value - after[i]!.trust[k]!) < SETTLED),
  );
}

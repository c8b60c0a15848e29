import type { Noise, Track } from './kalman.ts';

/** Assumed where a trace is too short to tell. */
export const DEFAULT_NOISE: Noise = { fix: 5, drive: 1 };
/** A fit outside of these is an artefact of the trace: no receiver is that good, no vehicle that nervous. */
const FIX_BOUNDS_M: Range = [2, 30];
const DRIVE_BOUNDS: Range = [1e-3, 10];
/** Innovations below which the defaults are used. */
const ENOUGH = 16;

/** Search for ln(drive / fix²): a grid that finds the right valley, then golden sections in it. */
const SEARCH: Range = [Math.log(1e-6), Math.log(1e2)];
const GRID_STEPS = 32;
const PRECISION = 1e-3;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

type Range = readonly [low: number, high: number];

/**
 * The noise under which these tracks are most likely: the Kalman filter's own innovations tell how good the fixes are
 * and how nervously the device moves. For a given ratio of the two noises the best scale has a closed form, so that a
 * search over one number is enough.
 *
 * Sources: F. C. Schweppe, "Evaluation of Likelihood Functions for Gaussian Signals", IEEE Transactions on Information
 * Theory 11 (1), 1965; the scale taken out as in A. C. Harvey, "Forecasting, Structural Time Series Models and the
 * Kalman Filter", 1989, section 3.4; golden sections as in J. Kiefer, "Sequential Minimax Search for a Maximum",
 * Proceedings of the AMS 4, 1953.
 */
export function fitNoise(tracks: readonly Track[]): Noise {
  const innovations = tracks.reduce((sum, { t }) => sum + 2 * Math.max(0, t.length - 2), 0);
  if (innovations < ENOUGH) return DEFAULT_NOISE;
  const ratio = Math.exp(minimum((logRatio) => likelihoodOf(tracks, Math.exp(logRatio)).cost));
  const fix = clamp(Math.sqrt(likelihoodOf(tracks, ratio).variance), FIX_BOUNDS_M);
  return { fix, drive: clamp(ratio * fix * fix, DRIVE_BOUNDS) };
}

/** Where `cost` is lowest between the bounds of the search. */
function minimum(cost: (at: number) => number): number {
  const step = (SEARCH[1] - SEARCH[0]) / GRID_STEPS;
  let best = SEARCH[0];
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= GRID_STEPS; i++) {
    const value = cost(SEARCH[0] + i * step);
    if (value < lowest) [lowest, best] = [value, SEARCH[0] + i * step];
  }
  let [low, high] = [Math.max(SEARCH[0], best - step), Math.min(SEARCH[1], best + step)];
  let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [costLeft, costRight] = [cost(left), cost(right)];
  while (high - low > PRECISION) {
    if (costLeft <= costRight) {
      [high, right, costRight] = [right, left, costLeft];
      left = high - GOLDEN * (high - low);
      costLeft = cost(left);
    } else {
      [low, left, costLeft] = [left, right, costRight];
      right = low + GOLDEN * (high - low);
      costRight = cost(right);
    }
  }
  return (low + high) / 2;
}

/** Twice the negative log-likelihood but for a constant, and the variance of a fix that makes it so. */
function likelihoodOf(tracks: readonly Track[], ratio: number): { cost: number; variance: number } {
  let [count, squares, logs] = [0, 0, 0];
  for (const track of tracks) {
    const part = innovationsOf(track, ratio);
    count += part.count;
    squares += part.squares;
    logs += part.logs;
  }
  const variance = Math.max(squares / count, 1e-6); // a perfect trace has none
  return { cost: count * Math.log(variance) + logs, variance };
}

/**
 * The forward pass of kalman.ts for a fix variance of 1, keeping only sums. The first two fixes tell position and
 * velocity, so the third is the first that can surprise.
 */
function innovationsOf({ t, x, y, trust }: Track, ratio: number) {
  let [px, vx, py, vy] = [x[0] ?? 0, 0, y[0] ?? 0, 0];
  let [a, b, c] = [1 / (trust[0] ?? 1), 0, 1e6];
  let [count, squares, logs] = [0, 0, 0];
  for (let i = 1; i < t.length; i++) {
    const dt = t[i]! - t[i - 1]!;
    a += dt * (2 * b + dt * c) + (ratio * dt * dt * dt) / 3;
    b += dt * c + (ratio * dt * dt) / 2;
    c += ratio * dt;
    px += dt * vx;
    py += dt * vy;
    const r = 1 / trust[i]!;
    const s = a + r;
    const ex = x[i]! - px;
    const ey = y[i]! - py;
    if (i >= 2) {
      count += 2;
      squares += (ex * ex + ey * ey) / s;
      logs += 2 * Math.log(s);
    }
    const gain = a / s;
    const gainV = b / s;
    px += gain * ex;
    vx += gainV * ex;
    py += gain * ey;
    vy += gainV * ey;
    c -= gainV * b;
    a = gain * r;
    b = gainV * r;
  }
  return { count, squares, logs };
}

const clamp = (value: number, [low, high]: Range): number => Math.min(high, Math.max(low, value));

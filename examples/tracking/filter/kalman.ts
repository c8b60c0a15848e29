/** Fixes of one stretch in a plane: seconds (rising) and metres. `trust` is 1 for a good fix, less for a doubtful one. */
export interface Track {
  readonly t: Float64Array;
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly trust: Float64Array;
}

/** Positions in the plane, one for each fix of a track. */
export interface Line {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** What the filter assumes. */
export interface Noise {
  /** Standard deviation of a fully trusted fix, metres, in each axis. */
  readonly fix: number;
  /** Spectral density of the random acceleration, m²/s³: how much the speed wanders. */
  readonly drive: number;
}

/** Standard deviation of the speed before anything is known of it, m/s. */
const INITIAL_SPEED_M_S = 20;

/**
 * Positions given all fixes, earlier and later ones: a Kalman filter run forwards, then backwards over its own
 * predictions. State per axis: position and velocity, velocity kept but for white noise in the acceleration. Both axes
 * share one covariance, since they share noise and times.
 *
 * Sources: R. E. Kalman, "A New Approach to Linear Filtering and Prediction Problems", Journal of Basic Engineering 82,
 * 1960; H. E. Rauch, F. Tung, C. T. Striebel, "Maximum Likelihood Estimates of Linear Dynamic Systems", AIAA Journal 3
 * (8), 1965; the motion model as in Y. Bar-Shalom, X. R. Li, T. Kirubarajan, "Estimation with Applications to Tracking
 * and Navigation", 2001, section 6.2.
 */
export function smooth(track: Track, noise: Noise): Line {
  const forward = filterForward(track, noise);
  return smoothBackward(track, forward);
}

/** Filtered states (after the fix of step i) and predicted ones (before it). `a` = position variance, `b` = covariance of position and velocity, `c` = velocity variance. */
interface Forward {
  readonly filtered: States;
  readonly predicted: States;
}

interface States {
  readonly x: Float64Array;
  readonly vx: Float64Array;
  readonly y: Float64Array;
  readonly vy: Float64Array;
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
}

function filterForward({ t, x, y, trust }: Track, { fix, drive }: Noise): Forward {
  const n = t.length;
  const filtered = states(n);
  const predicted = states(n);
  if (n === 0) return { filtered, predicted };
  filtered.x[0] = x[0]!;
  filtered.y[0] = y[0]!;
  filtered.a[0] = (fix * fix) / trust[0]!;
  filtered.c[0] = INITIAL_SPEED_M_S * INITIAL_SPEED_M_S;
  for (let i = 1; i < n; i++) {
    const dt = t[i]! - t[i - 1]!;
    const c0 = filtered.c[i - 1]!;
    const b0 = filtered.b[i - 1]!;
    const a = filtered.a[i - 1]! + dt * (2 * b0 + dt * c0) + (drive * dt * dt * dt) / 3;
    const b = b0 + dt * c0 + (drive * dt * dt) / 2;
    const c = c0 + drive * dt;
    const vx = filtered.vx[i - 1]!;
    const vy = filtered.vy[i - 1]!;
    const px = filtered.x[i - 1]! + dt * vx;
    const py = filtered.y[i - 1]! + dt * vy;
    put(predicted, i, px, vx, py, vy, a, b, c);

    const r = (fix * fix) / trust[i]!;
    const s = a + r;
    const gain = a / s;
    const gainV = b / s;
    const ex = x[i]! - px;
    const ey = y[i]! - py;
    put(
      filtered,
      i,
      px + gain * ex,
      vx + gainV * ex,
      py + gain * ey,
      vy + gainV * ey,
      gain * r,
      gainV * r,
      c - gainV * b,
    );
  }
  return { filtered, predicted };
}

function smoothBackward({ t }: Track, { filtered, predicted }: Forward): Line {
  const x = Float64Array.from(filtered.x);
  const y = Float64Array.from(filtered.y);
  const vx = Float64Array.from(filtered.vx);
  const vy = Float64Array.from(filtered.vy);
  for (let i = t.length - 2; i >= 0; i--) {
    const dt = t[i + 1]! - t[i]!;
    const [a, b, c] = [filtered.a[i]!, filtered.b[i]!, filtered.c[i]!];
    const [pa, pb, pc] = [predicted.a[i + 1]!, predicted.b[i + 1]!, predicted.c[i + 1]!];
    const determinant = pa * pc - pb * pb;
    if (!(determinant > 0)) continue; // nothing to learn from later fixes in this arithmetic
    const [f11, f12, f21, f22] = [a + dt * b, b, b + dt * c, c]; // filtered covariance times the transition, transposed
    const g11 = (f11 * pc - f12 * pb) / determinant;
    const g12 = (f12 * pa - f11 * pb) / determinant;
    const g21 = (f21 * pc - f22 * pb) / determinant;
    const g22 = (f22 * pa - f21 * pb) / determinant;
    const dx = x[i + 1]! - predicted.x[i + 1]!;
    const dvx = vx[i + 1]! - predicted.vx[i + 1]!;
    const dy = y[i + 1]! - predicted.y[i + 1]!;
    const dvy = vy[i + 1]! - predicted.vy[i + 1]!;
    x[i] = x[i]! + g11 * dx + g12 * dvx;
    vx[i] = vx[i]! + g21 * dx + g22 * dvx;
    y[i] = y[i]! + g11 * dy + g12 * dvy;
    vy[i] = vy[i]! + g21 * dy + g22 * dvy;
  }
  return { x, y };
}

function states(n: number): States {
  const make = () => new Float64Array(n);
  return { x: make(), vx: make(), y: make(), vy: make(), a: make(), b: make(), c: make() };
}

function put(
  into: States,
  i: number,
  x: number,
  vx: number,
  y: number,
  vy: number,
  a: number,
  b: number,
  c: number,
): void {
  into.x[i] = x;
  into.vx[i] = vx;
  into.y[i] = y;
  into.vy[i] = vy;
  into.a[i] = a;
  into.b[i] = b;
  into.c[i] = c;
}

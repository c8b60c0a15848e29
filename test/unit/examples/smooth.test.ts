import assert from 'node:assert/strict';
import fc from 'fast-check';
import { smooth, type Track } from '../../../examples/tracking/filter/kalman.ts';
import { DEFAULT_NOISE, fitNoise } from '../../../examples/tracking/filter/noise.ts';
import { smoothRobustly } from '../../../examples/tracking/filter/robust.ts';
import { gaussian, seededRandom } from '../../../examples/tracking/trace/random.ts';

/** A device at 10 m/s to the east and 5 to the north, a fix a second, seen with this noise. */
function straight(n: number, noise: number, seed = 1): Track {
  const random = seededRandom(seed);
  const t = Float64Array.from({ length: n }, (_, i) => i);
  return {
    t,
    x: t.map((second) => 10 * second + noise * gaussian(random)),
    y: t.map((second) => 5 * second + noise * gaussian(random)),
    trust: new Float64Array(n).fill(1),
  };
}

/** Root mean square distance from the true way. */
function errorOf({ x, y }: { x: Float64Array; y: Float64Array }): number {
  const sum = x.reduce((total, value, i) => total + (value - 10 * i) ** 2 + (y[i]! - 5 * i) ** 2, 0);
  return Math.sqrt(sum / x.length);
}

describe('smoothing a track', () => {
  it('leaves nothing, one and two fixes where they are', () => {
    for (const n of [0, 1]) {
      const track = straight(n, 0);
      assert.deepEqual(smooth(track, DEFAULT_NOISE), { x: track.x, y: track.y });
    }
    const { x } = smooth(straight(2, 0), DEFAULT_NOISE);
    assert.ok(Math.abs(x[0]!) < 1 && Math.abs(x[1]! - 10) < 1);
  });

  it('leaves a straight way without noise straight', () => {
    const { x, y } = smooth(straight(100, 0), { fix: 5, drive: 0.1 });
    assert.ok(errorOf({ x, y }) < 0.5);
  });

  it('takes away most of the noise, and more than the forward pass alone can', () => {
    const track = straight(500, 5);
    assert.ok(errorOf(smooth(track, { fix: 5, drive: 0.01 })) < 0.4 * errorOf(track));
  });

  it('agrees with least squares where the speed cannot change', () => {
    const track = straight(50, 5);
    const { x } = smooth(track, { fix: 5, drive: 1e-9 });
    const meanT = track.t.reduce((a, b) => a + b) / 50;
    const meanX = track.x.reduce((a, b) => a + b) / 50;
    const [top, bottom] = track.t.reduce(
      ([top, bottom], t, i) =>
        [top + (t - meanT) * (track.x[i]! - meanX), bottom + (t - meanT) ** 2] as const,
      [0, 0] as readonly [number, number],
    );
    for (const [i, value] of x.entries())
      assert.ok(Math.abs(value - (meanX + (top / bottom) * (i - meanT))) < 0.1);
  });

  it('ignores a fix that is not trusted', () => {
    const track = straight(100, 1);
    track.x[50] = 2_000;
    track.trust[50] = 1e-6;
    assert.ok(Math.abs(smooth(track, { fix: 1, drive: 0.01 }).x[50]! - 500) < 2);
  });

  it('doubts reflected fixes by itself', () => {
    const track = straight(300, 3);
    for (let i = 20; i < 300; i += 20) track.y[i] = track.y[i]! + 60;
    const [line] = smoothRobustly([track]);
    assert.ok(errorOf(line!) < 3, `off by ${errorOf(line!)} m`);
  });

  it('gives numbers for any times and places', () => {
    const step = fc.record({
      dt: fc.double({ min: 0.001, max: 600, noNaN: true }),
      x: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      y: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        let now = 0;
        const t = Float64Array.from(steps, ({ dt }) => (now += dt));
        const track = {
          t,
          x: Float64Array.from(steps, ({ x }) => x),
          y: Float64Array.from(steps, ({ y }) => y),
          trust: new Float64Array(steps.length).fill(1),
        };
        const [line] = smoothRobustly([track]);
        assert.ok(line!.x.every(Number.isFinite) && line!.y.every(Number.isFinite));
      }),
    );
  });
});

describe('fitting the noise', () => {
  it('finds the noise of the fixes', () => {
    for (const noise of [3, 6, 12]) {
      const { fix, drive } = fitNoise([straight(2_000, noise)]);
      assert.ok(Math.abs(fix / noise - 1) < 0.1, `${noise} m taken for ${fix} m`);
      assert.ok(drive < 0.01);
    }
  });

  it('takes a nervous way for one', () => {
    const random = seededRandom(3);
    const track = straight(2_000, 3);
    let [x, vx] = [0, 10];
    for (const i of track.t.keys()) {
      vx += gaussian(random);
      x += vx;
      track.x[i] = x + 3 * gaussian(random);
    }
    assert.ok(fitNoise([track]).drive > 0.2);
  });

  it('assumes the usual when a track is too short to tell', () => {
    assert.equal(fitNoise([straight(5, 3)]), DEFAULT_NOISE);
    assert.equal(fitNoise([]), DEFAULT_NOISE);
  });

  it('stays within what receivers and vehicles can do, also on a perfect track', () => {
    for (const noise of [0, 500]) {
      const { fix, drive } = fitNoise([straight(200, noise)]);
      assert.ok(fix >= 2 && fix <= 30 && drive >= 1e-3 && drive <= 10);
    }
  });
});

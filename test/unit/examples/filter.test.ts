import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Point } from '../../../examples/tracking/filter/clean.ts';
import { filterTrace } from '../../../examples/tracking/filter/filter.ts';
import { haversine } from '../../../examples/tracking/filter/geodesy.ts';
import { generateTrace } from '../../../examples/tracking/trace/generate.ts';

const at = (second: number) => new Date(Date.UTC(2025, 0, 1) + second * 1_000).toISOString();
const device = 'van-7';

/** A few traces of very different kinds, far from and across the seams of the map. */
const traces = fc
  .record({
    seed: fc.nat(),
    points: fc.integer({ min: 0, max: 150 }),
    start: fc.constantFrom(
      { lat: 48.85, lng: 2.35 },
      { lat: -17, lng: 179.9995 },
      { lat: 89.999, lng: 30 },
      { lat: -90, lng: 0 },
    ),
  })
  .map(generateTrace);

describe('filtering a trace', () => {
  it('answers an empty trace with an empty line', () => {
    assert.deepEqual(filterTrace({ device, points: [] }), {
      device,
      kept: 0,
      dropped: 0,
      distance_m: 0,
      duration_s: 0,
      points: [],
    });
  });

  it('leaves a single fix where it is', () => {
    const point = { lat: 48.5, lng: 2.25, at: at(5) };
    const { points, ...rest } = filterTrace({ device, points: [point] });
    assert.deepEqual(rest, { device, kept: 1, dropped: 0, distance_m: 0, duration_s: 0 });
    assert.deepEqual(points, [point]);
  });

  it('joins two fixes by a line of about their distance', () => {
    const points = [
      { lat: 48, lng: 2, at: at(0) },
      { lat: 48.001, lng: 2, at: at(10) },
    ];
    const result = filterTrace({ device, points });
    assert.equal(result.kept, 2);
    assert.equal(result.duration_s, 10);
    assert.equal(result.points.length, 2);
    assert.ok(Math.abs(result.distance_m - 111) < 5);
  });

  it('keeps one of many fixes of one moment', () => {
    const points = Array.from({ length: 50 }, (_, i) => ({ lat: 48 + i / 1e6, lng: 2, at: at(0) }));
    const { kept, dropped } = filterTrace({ device, points });
    assert.deepEqual({ kept, dropped }, { kept: 1, dropped: 49 });
  });

  it('bridges a long gap straight and keeps both its ends', () => {
    const leg = (from: number, lat: number) =>
      Array.from({ length: 60 }, (_, i) => ({ lat: lat + i * 1e-4, lng: 2, at: at(from + i) }));
    const { points, distance_m } = filterTrace({ device, points: [...leg(0, 48), ...leg(3_600, 48.1)] });
    assert.equal(points.length, 4);
    assert.ok(Math.abs(distance_m - haversine({ lat: 48, lng: 2 }, { lat: 48.1059, lng: 2 })) < 30);
  });

  it('measures a drive well through all its noise', () => {
    const { points } = generateTrace({ seed: 4, points: 2_000 });
    const raw = lengthOf(points);
    const { distance_m } = filterTrace({ device, points });
    const { distance_m: quieter } = filterTrace({ device, points: points.filter((_, i) => i % 2 === 0) });
    assert.ok(distance_m < 0.7 * raw, `${distance_m} m of ${raw} m`);
    assert.ok(Math.abs(quieter / distance_m - 1) < 0.1, `${quieter} m and ${distance_m} m`);
  });

  it('crosses the antimeridian without going around the world', () => {
    const points = Array.from({ length: 100 }, (_, i) => {
      const lng = 179.995 + i * 1e-4;
      return { lat: -17, lng: lng > 180 ? lng - 360 : lng, at: at(i) };
    });
    const { distance_m, kept } = filterTrace({ device, points });
    assert.equal(kept, 100);
    assert.ok(Math.abs(distance_m - 1_053) < 10, `${distance_m} m`);
  });

  it('counts every fix once, stays on the globe, and does not invent a way', () => {
    fc.assert(
      fc.property(traces, (trace) => {
        const result = filterTrace(trace);
        assert.equal(result.kept + result.dropped, trace.points.length);
        assert.ok(result.points.length <= result.kept);
        assert.ok(result.points.every(({ lat, lng }) => Math.abs(lat) <= 90 && Math.abs(lng) <= 180));
        assert.ok(result.distance_m <= 1.2 * lengthOf(trace.points) + 1);
        assert.ok(lengthOf(result.points) <= result.distance_m + 1);
      }),
    );
  });

  it('does not depend on the order of the fixes', () => {
    fc.assert(
      fc.property(
        traces.chain((trace) =>
          fc.tuple(
            fc.constant(trace),
            fc.shuffledSubarray([...trace.points], { minLength: trace.points.length }),
          ),
        ),
        ([trace, shuffled]) => {
          assert.deepEqual(filterTrace({ device: trace.device, points: shuffled }), filterTrace(trace));
        },
      ),
    );
  });

  it('gives what JSON keeps as it is', () => {
    fc.assert(
      fc.property(traces, (trace) => {
        const result = filterTrace(trace);
        assert.deepEqual(JSON.parse(JSON.stringify(result)), result);
      }),
    );
  });
});

function lengthOf(points: readonly Point[]): number {
  return points.reduce((sum, point, i) => sum + (i === 0 ? 0 : haversine(points[i - 1]!, point)), 0);
}

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { clean, type Point } from '../../../examples/tracking/filter/clean.ts';

const at = (second: number) => new Date(Date.UTC(2025, 0, 1) + second * 1_000).toISOString();
const fix = (second: number, north = 0, lng = 2): Point => ({
  lat: 48 + north / 111_195,
  lng,
  at: at(second),
});

/** Which of the given points stay, by their index. */
const cases: readonly (readonly [name: string, points: readonly Point[], kept: readonly number[]])[] = [
  ['nothing', [], []],
  ['a single fix', [fix(0)], [0]],
  ['two fixes a walk apart', [fix(0), fix(1, 2)], [0, 1]],
  ['a repeat of the same fix', [fix(0), fix(0), fix(1)], [0, 2]],
  ['two places at one moment: the more southern', [fix(0, 5), fix(0, 0), fix(1)], [1, 2]],
  ['a jump in the middle', [fix(0), fix(1, 5_000), fix(2), fix(3)], [0, 2, 3]],
  ['a jump as the first fix', [fix(0, 5_000), fix(1), fix(2), fix(3)], [1, 2, 3]],
  ['a jump as the last fix', [fix(0), fix(1), fix(2, 5_000)], [0, 1]],
  [
    'two jumps to the same wrong place',
    [fix(0), fix(1), fix(2, 9_000), fix(3, 9_000), fix(4), fix(5)],
    [0, 1, 4, 5],
  ],
  ['a far place with time enough to get there', [fix(0), fix(600, 50_000)], [0, 1]],
  ['unsorted fixes', [fix(2), fix(0), fix(1)], [1, 2, 0]],
  ['a latitude that is none', [fix(0), { lat: 91, lng: 0, at: at(1) }], [0]],
  ['a longitude that is not a number', [fix(0), { lat: 0, lng: Number.NaN, at: at(1) }], [0]],
  ['a time that is none', [fix(0), { lat: 48, lng: 2, at: 'yesterday' }], [0]],
  ['across the antimeridian', [fix(0, 0, 179.9999), fix(1, 0, -179.9999)], [0, 1]],
  [
    'over the pole',
    [
      { lat: 89.9999, lng: 0, at: at(0) },
      { lat: 89.9999, lng: 180, at: at(1) },
    ],
    [0, 1],
  ],
];

describe('cleaning a trace', () => {
  for (const [name, points, kept] of cases) {
    it(`keeps what can be true of ${name}`, () => {
      const expected = kept.map((i) => ({ ...points[i]!, at: Date.parse(points[i]!.at) }));
      assert.deepEqual(clean(points), expected);
    });
  }

  it('survives a wrong place that lasts longer than the look back', () => {
    const here = (from: number, to: number, north: number) =>
      Array.from({ length: to - from }, (_, i) => fix(from + i, north));
    const kept = clean([...here(0, 200, 0), ...here(200, 300, 200_000), ...here(300, 500, 0)]);
    assert.equal(kept.length, 400);
  });

  it('gives fixes in rising time, none faster than allowed', () => {
    const points = fc.array(
      fc.record({
        lat: fc.double({ min: -90, max: 90, noNaN: true }),
        lng: fc.double({ min: -180, max: 180, noNaN: true }),
        at: fc.integer({ min: 0, max: 50_000 }).map(at),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(points, (given) => {
        const kept = clean(given);
        assert.ok(kept.length <= given.length);
        assert.ok(given.length === 0 || kept.length > 0);
        for (let i = 1; i < kept.length; i++) assert.ok(kept[i]!.at > kept[i - 1]!.at);
        assert.deepEqual(clean(kept.map((fix) => ({ ...fix, at: new Date(fix.at).toISOString() }))), kept);
      }),
    );
  });
});

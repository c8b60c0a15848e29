import assert from 'node:assert/strict';
import fc from 'fast-check';
import { simplify } from '../../../examples/tracking/filter/simplify.ts';

const cases: readonly (readonly [name: string, x: number[], y: number[], kept: number[]])[] = [
  ['nothing', [], [], []],
  ['one point', [1], [1], [0]],
  ['two points', [0, 9], [0, 0], [0, 1]],
  ['a straight line', [0, 1, 2, 3], [0, 1, 2, 3], [0, 3]],
  ['a corner', [0, 5, 10, 10, 10], [0, 0, 0, 5, 10], [0, 2, 4]],
  ['a wobble within the tolerance', [0, 5, 10], [0, 0.9, 0], [0, 2]],
  ['a bump beyond it', [0, 5, 10], [0, 1.1, 0], [0, 1, 2]],
  ['a way out and back', [0, 10, 0], [0, 0, 0], [0, 1, 2]],
  ['a way past the end and back', [0, 15, 10], [0, 0, 0], [0, 1, 2]],
  ['one place many times', [1, 1, 1, 1], [2, 2, 2, 2], [0, 3]],
];

function distanceToPiece(px: number, py: number, x0: number, y0: number, x1: number, y1: number): number {
  const length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
  const along = length === 0 ? 0 : ((px - x0) * (x1 - x0) + (py - y0) * (y1 - y0)) / length;
  const clamped = Math.min(1, Math.max(0, along));
  return Math.hypot(px - x0 - clamped * (x1 - x0), py - y0 - clamped * (y1 - y0));
}

describe('simplifying a line', () => {
  for (const [name, x, y, kept] of cases) {
    it(`keeps what matters of ${name}`, () => assert.deepEqual(simplify(x, y, 1), kept));
  }

  it('leaves no point further away than the tolerance', () => {
    const coordinate = fc.double({ min: -1_000, max: 1_000, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(coordinate, coordinate), { minLength: 2, maxLength: 200 }),
        fc.double({ min: 0.1, max: 500, noNaN: true }),
        (points, tolerance) => {
          const [x, y] = [points.map(([x]) => x), points.map(([, y]) => y)];
          const kept = simplify(x, y, tolerance);
          assert.equal(kept[0], 0);
          assert.equal(kept.at(-1), points.length - 1);
          for (let k = 1; k < kept.length; k++) {
            const [from, to] = [kept[k - 1]!, kept[k]!];
            assert.ok(from < to);
            for (let i = from + 1; i < to; i++) {
              const off = distanceToPiece(x[i]!, y[i]!, x[from]!, y[from]!, x[to]!, y[to]!);
              assert.ok(off <= tolerance * (1 + 1e-9));
            }
          }
        },
      ),
    );
  });

  it('takes a hundred thousand points, however they nest', () => {
    const n = 100_000;
    const spiral = Array.from({ length: n }, (_, i) => i / 50);
    const x = spiral.map((angle) => angle * Math.cos(angle));
    const y = spiral.map((angle) => angle * Math.sin(angle));
    const kept = simplify(x, y, 1);
    assert.ok(kept.length > 100 && kept.length < n);
  });
});

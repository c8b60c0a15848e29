import assert from 'node:assert/strict';
import { toBeat } from '../../../src/lib/common-beat.ts';

const at = (now: number) => ({ monotonic: () => now });

describe('a common beat', () => {
  it('ends waits of different lengths and beginnings in the same moment', () => {
    const ends = [
      [10_003, 1_000],
      [10_110, 930],
      [9_870, 1_040],
    ].map(([now = 0, ms = 0]) => now + toBeat(at(now), ms));
    assert.deepEqual(ends, [11_000, 11_000, 11_000]);
  });

  it('keeps the length of a round that begins on it, a little late or early', () => {
    for (const late of [-2, 0, 0.4, 3, 60])
      assert.equal(5_000 + late + toBeat(at(5_000 + late), 1_000) >= 6_000, true);
    let now = 137;
    const rounds = Array.from({ length: 20 }, () => {
      now += toBeat(at(now), 1_000) + 2;
      return now;
    });
    assert.deepEqual(
      rounds,
      rounds.map((_, index) => (rounds[0] as number) + index * 1_000),
    );
  });

  it('changes a wait by an eighth of a second at most, and a short one not at all', () => {
    for (let now = 0; now < 1_000; now += 7.3) {
      for (const ms of [500, 750, 1_250, 4_999]) {
        const wait = toBeat(at(now), ms);
        assert.ok(Math.abs(wait - ms) <= 126, `${now} ${ms} ${wait}`);
      }
      for (const ms of [0, 1, 100, 499]) assert.equal(toBeat(at(now), ms), ms);
    }
  });
});

import assert from 'node:assert/strict';
import { toBeat } from '../../../src/lib/common-beat.ts';

const at = (now: number) => ({ monotonic: () => now, beatMs: 1_000 });

describe('a common beat', () => {
  it('ends waits that began at different times in the same moment', () => {
    const ends = [10_003, 10_110, 9_870].map((now) => now + toBeat(at(now), 2_000));
    assert.deepEqual(ends, [12_000, 12_000, 12_000]);
  });

  it('keeps the length of every round but the first, each a little late', () => {
    let now = 137;
    const rounds = Array.from({ length: 20 }, () => {
      now += toBeat(at(now), 3_000) + 4;
      return now;
    });
    assert.deepEqual(
      rounds,
      rounds.map((_, index) => 3_004 + index * 3_000),
    );
  });

  it('makes up for a round that was late, without a round too many', () => {
    assert.equal(toBeat(at(5_400), 1_000), 600);
    assert.equal(toBeat(at(5_600), 1_000), 1_400);
    assert.equal(toBeat(at(4_999.2), 1_000), 1_001);
  });

  it('ends waits of about a second on it, always a second apart', () => {
    for (const ms of [750, 931.7, 1_000, 1_249]) assert.equal(toBeat(at(7_002), ms, 'about'), 998);
  });

  it('changes nothing where the clock has none', () => {
    assert.equal(toBeat({ monotonic: () => 10_003 }, 2_000), 2_000);
    assert.equal(toBeat({ monotonic: () => 10_003 }, 931.7, 'about'), 931.7);
  });

  it('leaves waits that are no whole seconds as they are', () => {
    for (const ms of [0, 1, 100, 999, 1_100, 2_500]) assert.equal(toBeat(at(77), ms), ms);
  });
});

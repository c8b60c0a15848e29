import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isDeeperThan } from '../../../src/lib/json-depth.ts';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('the depth of JSON', () => {
  it('counts objects and arrays, not what stands in strings', () => {
    assert.equal(isDeeperThan(nested(64), 64), false);
    assert.equal(isDeeperThan(nested(65), 64), true);
    assert.equal(isDeeperThan('{"a":{"b":[]}}', 2), true);
    assert.equal(isDeeperThan(JSON.stringify('[[[[ \\" [[['), 0), false);
    assert.equal(isDeeperThan(JSON.stringify(['\\', '[[', '\\"[']), 1), false);
  });

  it('agrees with the parsed value for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 0, max: 8 }), (value, limit) => {
        assert.equal(isDeeperThan(JSON.stringify(value), limit), depthOf(value) > limit);
      }),
    );
  });

  it('reads ten million brackets and unclosed strings without trouble', () => {
    assert.equal(isDeeperThan(nested(5_000_000), 64), true);
    assert.equal(isDeeperThan(`"${'\\'.repeat(1_000_001)}`, 64), false);
  });
});

import assert from 'node:assert/strict';
import { shrink } from './shrink.ts';

const parts = [1, 2, 3, 4, 5, 6, 7, 8];

describe('shrinking a failing plan', () => {
  for (const needed of [[3], [1, 8], [2, 5, 7], parts]) {
    it(`finds that ${needed.join(', ')} of ${parts.length} faults are needed`, async () => {
      const fails = async (some: readonly number[]) => needed.every((part) => some.includes(part));
      assert.deepEqual(await shrink(parts, fails, 200), needed);
    });
  }

  it('ends after so many tries, with something that fails', async () => {
    let tries = 0;
    const fails = async (some: readonly number[]) => {
      tries++;
      return [2, 7].every((part) => some.includes(part));
    };
    const left = await shrink(parts, fails, 5);
    assert.equal(tries, 5);
    assert.ok(await fails(left));
  });
});

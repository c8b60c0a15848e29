import assert from 'node:assert/strict';
import { KernelOom, parseOomKills } from '../../../src/pool/kernel-oom.ts';

describe('KernelOom', () => {
  it('explains one end for each that the kernel has counted since it was made', () => {
    let count: number | null = 3;
    const { explainsOne } = new KernelOom(() => count);
    assert.equal(explainsOne(), false);
    count = 5;
    assert.deepEqual([explainsOne(), explainsOne(), explainsOne()], [true, true, false]);
    count = null;
    assert.equal(explainsOne(), false);
  });

  it('reads the count of kills, not that of the times when memory ran out', () => {
    assert.equal(parseOomKills('low 0\nhigh 7\nmax 9\noom 4\noom_kill 2\noom_group_kill 1\n'), 2);
    assert.equal(parseOomKills('low 0\n'), null);
  });
});

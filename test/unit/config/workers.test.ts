import assert from 'node:assert/strict';
import { workerCount } from '../../../src/config/workers.ts';

describe('workerCount', () => {
  const table: [number | 'auto', number, number][] = [
    ['auto', 8, 7],
    ['auto', 2, 1],
    ['auto', 1, 1],
    [5, 2, 5],
  ];
  for (const [workers, cores, count] of table) {
    it(`makes ${count} of ${workers} on ${cores} cores`, () => {
      assert.equal(workerCount(workers, cores), count);
    });
  }
});

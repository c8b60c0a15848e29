import assert from 'node:assert/strict';
import { nextClaim, shareOf } from '../../../src/consumer/batching.ts';

const state = { underWay: 0, settlements: 0, hungry: false };

describe('batching', () => {
  it('sends at once what there is while nothing is under way', () => {
    assert.equal(nextClaim({ ...state, settlements: 1 }, 0), 0);
    assert.equal(nextClaim({ ...state, hungry: true }, 1), 1);
  });

  it('sends nothing when there is nothing to say', () => {
    assert.equal(nextClaim(state, 10), null);
    assert.equal(nextClaim({ ...state, hungry: true }, 0), null);
  });

  it('claims for all free slots when it settles, though nothing was announced', () => {
    assert.equal(nextClaim({ ...state, settlements: 1 }, 10), 10);
  });

  it('gathers while one exchange is under way, and opens the second lane for a full batch only', () => {
    assert.equal(nextClaim({ underWay: 1, settlements: 63, hungry: true }, 63), null);
    assert.equal(nextClaim({ underWay: 1, settlements: 64, hungry: false }, 0), 0);
    assert.equal(nextClaim({ underWay: 1, settlements: 0, hungry: true }, 64), 64);
  });

  it('never claims more than a batch holds', () => {
    assert.equal(nextClaim({ ...state, hungry: true }, 1_000), 256);
  });

  it('splits free slots among the queues that may have jobs', () => {
    const shares = [shareOf(10, 3, null), shareOf(10, 0, 500), shareOf(-1, 2, 500), shareOf(1, 5, 500)];
    assert.deepEqual(shares, [4, 10, 0, 1]);
  });

  it('claims short jobs by batches in turn, however many queues there are', () => {
    assert.deepEqual([shareOf(100, 100, 20), shareOf(100, 100, 21), shareOf(1_000, 10, 1)], [16, 1, 100]);
    assert.deepEqual([shareOf(3, 100, 1), shareOf(-1, 2, 1)], [3, 0]);
  });
});

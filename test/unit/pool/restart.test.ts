import assert from 'node:assert/strict';
import { afterUnstableExit, type Breaker, CLOSED, restartDelay } from '../../../src/pool/restart.ts';

const policy = {
  initial: 100,
  factor: 2,
  max: 30_000,
  jitter: 0.25,
  stableAfter: 10_000,
  intensity: 5,
  period: 60_000,
};
const open: Breaker = { state: 'open', exits: [] };

describe('restart policy', () => {
  for (const [failures, random, delay] of [
    [0, 0.5, 100],
    [1, 0.5, 200],
    [3, 0.5, 800],
    [0, 0, 75],
    [0, 0.999_999, 125],
    [20, 0.5, 30_000],
    [2_000, 0.5, 30_000],
  ] as const) {
    it(`waits ${delay} ms after ${failures} failures in a row (chance ${random})`, () => {
      assert.equal(
        restartDelay(policy, CLOSED, failures, () => random),
        delay,
      );
    });
  }

  it('probes at the longest delay while the breaker is open', () => {
    assert.equal(
      restartDelay(policy, open, 0, () => 0.5),
      30_000,
    );
  });

  it('opens the breaker above intensity + workers unstable exits in the period', () => {
    let breaker = CLOSED;
    for (let exit = 1; exit <= 8; exit += 1) {
      breaker = afterUnstableExit(policy, breaker, exit * 1_000, 3);
      assert.equal(breaker.state, 'closed', `exit ${exit}`);
    }
    assert.equal(afterUnstableExit(policy, breaker, 9_000, 3).state, 'open');
  });

  it('forgets exits older than the period', () => {
    let breaker = CLOSED;
    for (let exit = 0; exit < 100; exit += 1) breaker = afterUnstableExit(policy, breaker, exit * 10_000, 1);
    assert.equal(breaker.state, 'closed');
    assert(breaker.exits.length <= 7);
  });

  it('stays open on further exits, however far apart', () => {
    assert.equal(afterUnstableExit(policy, open, 1e9, 1).state, 'open');
  });
});

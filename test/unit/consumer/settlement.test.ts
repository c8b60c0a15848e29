import assert from 'node:assert/strict';
import { settlementOf } from '../../../src/consumer/settlement.ts';
import type { Outcome } from '../../../src/task/outcome.ts';

const retry = { attempts: 3, backoff: 'exponential', initial: 1_000, max: 10_000, jitter: 0 } as const;
const fresh = { token: 'id:1', failures: 0, crashes: 0, retry, resultTtlMs: null };
const error = { name: 'Error', message: 'no' };
const settle = (outcome: Outcome, attempt: Partial<typeof fresh> | { resultTtlMs: number } = {}) =>
  settlementOf({ ...fresh, ...attempt }, outcome, () => 0.5);

describe('settlement of an outcome', () => {
  it('completed is acknowledged, with its result only when results are kept', () => {
    assert.deepEqual(settle({ type: 'completed', result: '7' }), { type: 'ack', token: 'id:1' });
    assert.deepEqual(settle({ type: 'completed', result: '{"a":1}' }, { resultTtlMs: 5 }), {
      type: 'ack',
      token: 'id:1',
      result: { json: '{"status":"completed","result":{"a":1}}', ttlMs: 5 },
    });
    assert.deepEqual(settle({ type: 'completed' }, { resultTtlMs: 5 }), {
      type: 'ack',
      token: 'id:1',
      result: { json: '{"status":"completed","result":null}', ttlMs: 5 },
    });
  });

  it('failed runs again with a growing delay until the attempts are used up', () => {
    const failed: Outcome = { type: 'failed', error, retryable: true };
    for (const [failures, delayMs] of [
      [0, 1_000],
      [1, 2_000],
    ] as const) {
      const settlement = settle(failed, { failures });
      assert.equal(settlement.type, 'retry');
      assert.deepEqual([settlement.delayMs, settlement.count], [delayMs, 'failure']);
    }
    assert.equal(settle(failed, { failures: 2 }).type, 'dead');
  });

  it('failed is dead at once when a repeat cannot help, and its result says so where it is kept', () => {
    const settlement = settle({ type: 'failed', error, retryable: false }, { resultTtlMs: 9 });
    assert.deepEqual(settlement, {
      type: 'dead',
      token: 'id:1',
      count: 'failure',
      error: '{"name":"Error","message":"no"}',
      result: { json: '{"status":"dead","error":{"name":"Error","message":"no"}}', ttlMs: 9 },
    });
  });

  it('failed keeps the code of its error in the result, not the stack', () => {
    const coded = { ...error, code: 'E_NO', stack: 'at x' };
    const settlement = settle({ type: 'failed', error: coded, retryable: false }, { resultTtlMs: 9 });
    assert.equal(
      settlement.type === 'dead' && settlement.result?.json,
      '{"status":"dead","error":{"name":"Error","message":"no","code":"E_NO"}}',
    );
  });

  it('failed waits as long as the handler said', () => {
    const settlement = settle({ type: 'failed', error, retryable: true, retryAfterMs: 77 });
    assert.equal(settlement.type === 'retry' && settlement.delayMs, 77);
  });

  it('timed out counts as a failure, soft or hard', () => {
    for (const limit of ['soft', 'hard'] as const) {
      const settlement = settle({ type: 'timed_out', limit, error });
      assert.equal(settlement.type === 'retry' && settlement.count, 'failure');
      assert.equal(settle({ type: 'timed_out', limit, error }, { failures: 2 }).type, 'dead');
    }
  });

  it('interrupted is released and counts nothing, snoozed is delayed and counts nothing', () => {
    for (const reason of ['drain', 'lease_lost', 'cancel', 'handed_back'] as const) {
      assert.deepEqual(settle({ type: 'interrupted', reason }), { type: 'release', token: 'id:1' });
    }
    assert.deepEqual(settle({ type: 'snoozed', delayMs: 5 }), { type: 'snooze', token: 'id:1', delayMs: 5 });
  });

  it('crashed runs again after 1 s and 2 s, and is dead at the third crash, whatever the attempts', () => {
    const crashed: Outcome = { type: 'crashed', error };
    const [first, second] = [settle(crashed), settle(crashed, { crashes: 1 })];
    assert.deepEqual(first.type === 'retry' && [first.delayMs, first.count], [1_000, 'crash']);
    assert.deepEqual(second.type === 'retry' && second.delayMs, 2_000);
    const third = settle(crashed, { crashes: 2 });
    assert.equal(third.type === 'dead' && third.count, 'crash');
  });

  it('a suspect whose worker did not start waits, so that others run meanwhile, and counts nothing', () => {
    const settlement = settle({ type: 'unstarted', error });
    assert.deepEqual(settlement.type === 'retry' && [settlement.delayMs, settlement.count], [5_000, 'none']);
  });

  it('lost goes back at once and counts a recovery, so that it becomes a suspect', () => {
    const settlement = settle({ type: 'lost', error });
    assert.deepEqual(settlement.type === 'retry' && [settlement.delayMs, settlement.count], [0, 'recovery']);
  });
});

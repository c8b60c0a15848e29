import assert from 'node:assert/strict';
import { BrokerError } from '../../../src/broker/broker-error.ts';
import { exitCodeOf } from '../../../src/cli/exit.ts';
import { type ErrorCode, ForkloopError } from '../../../src/lib/errors.ts';

describe('exit code', () => {
  for (const [code, expected] of [
    ['ERR_INPUT_INVALID', 1],
    ['ERR_TASK_UNKNOWN', 1],
    ['ERR_JOB_UNKNOWN', 1],
    ['ERR_SCHEDULE_UNKNOWN', 1],
    ['ERR_BROKER_FULL', 1],
    ['ERR_NOT_RUNNING', 3],
    ['ERR_NO_ANSWER', 4],
    ['ERR_JOB_DEAD', 5],
    ['ERR_JOB_CANCELLED', 5],
    ['ERR_JOB_EXPIRED', 5],
    ['ERR_RESULT_TIMEOUT', 6],
    ['ERR_USAGE', 64],
    ['ERR_OPTION_INVALID', 64],
    ['ERR_BROKER_UNAVAILABLE', 69],
    ['ERR_POOL_NOT_READY', 70],
    ['ERR_ALREADY_RUNNING', 75],
    ['ERR_CONFIG_INVALID', 78],
    ['ERR_BROKER_UNFIT', 78],
  ] as const satisfies readonly (readonly [ErrorCode, number])[]) {
    it(`is ${expected} for ${code}`, () => assert.equal(exitCodeOf(new ForkloopError(code, 'x')), expected));
  }

  it('is that of the daemon when the broker is away because the daemon is', () => {
    for (const [code, expected] of [
      ['ERR_NOT_RUNNING', 3],
      ['ERR_NO_ANSWER', 4],
    ] as const) {
      const cause = new ForkloopError(code, 'x');
      const failed = new BrokerError('refused', 'x', { cause });
      assert.equal(exitCodeOf(failed), expected);
      assert.equal(exitCodeOf(new BrokerError('refused', 'y', { cause: failed })), expected);
    }
  });

  it('is 70 for a fault of our own, whatever its code looks like', () => {
    assert.equal(exitCodeOf(new TypeError('x')), 70);
    assert.equal(exitCodeOf(Object.assign(new Error('x'), { code: 'ENOENT' })), 70);
    assert.equal(exitCodeOf(Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' })), 70);
    assert.equal(exitCodeOf('thrown'), 70);
    assert.equal(exitCodeOf(undefined), 70);
  });
});

import assert from 'node:assert/strict';
import { defineTask } from '../../../src/task/define.ts';

/** As JavaScript calls it, where nobody checks types. */
const define = defineTask as (name: unknown, definition: unknown) => unknown;
const run = () => null;
const refused = (name: unknown, definition: unknown, code: string, message: RegExp) =>
  assert.throws(() => define(name, definition), { name: 'ForkloopError', code, message });

describe('defineTask', () => {
  it('takes every option that there is', () => {
    const task = defineTask('a.b', {
      queue: 'q',
      timeout: '1s',
      killAfter: '2s',
      retry: { attempts: 2, backoff: 'fixed', initial: '1s', max: '2s', jitter: '10%' },
      run,
    });
    assert.deepEqual(task.manifest, {
      name: 'a.b',
      validated: false,
      queue: 'q',
      timeoutMs: 1_000,
      killAfterMs: 2_000,
      retry: { attempts: 2, backoff: 'fixed', initial: 1_000, max: 2_000, jitter: 0.1 },
    });
  });

  it('refuses an option that there is not, and names the task', () => {
    const list = 'queue, timeout, killAfter, retry, input, run';
    for (const [options, told] of [
      [{ retries: 3 }, `no option of defineTask is named "retries"; there are: ${list}`],
      [{ time_out: '1s' }, 'no option of defineTask is named "time_out", did you mean "timeout"?'],
      [{ attempts: 3 }, 'no option of defineTask is named "attempts", did you mean retry: { attempts }?'],
      [{ retry: { attemps: 1 } }, 'no option of retry is named "attemps", did you mean "attempts"?'],
      [{ retry: 3 }, 'the options of retry are an object, not a number'],
    ] as const)
      assert.throws(
        () => define('a.c', { run, ...options }),
        ({ code, message }) =>
          code === 'ERR_OPTION_INVALID' && (message as string).startsWith(`task "a.c": ${told}`),
        told,
      );
  });

  it('refuses what is no definition at all', () => {
    for (const definition of [undefined, null, run])
      refused('a', definition, 'ERR_OPTION_INVALID', /^task "a": the options of defineTask are an object/);
  });

  it('refuses a name that is none, and a value that cannot be', () => {
    refused(undefined, { run }, 'ERR_TASK_INVALID', /a task name is letters/);
    refused('a b', { run }, 'ERR_TASK_INVALID', /a task name is letters/);
    refused('a', {}, 'ERR_TASK_INVALID', /run must be a function/);
    refused('a', { run, retry: { attempts: 0 } }, 'ERR_TASK_INVALID', /retry\.attempts: 0 is not/);
  });
});

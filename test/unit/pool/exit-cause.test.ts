import assert from 'node:assert/strict';
import { causeOf, crashError, type ExitFacts } from '../../../src/pool/exit-cause.ts';
import type { ExitInfo } from '../../../src/pool/host/host.ts';

const info = (more: Partial<ExitInfo>): ExitInfo => ({ code: null, signal: null, lastWords: '', ...more });
const heap =
  '<--- Last few GCs --->\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';
const outOfMemory = Object.assign(new Error('limit'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
const error = { name: 'TypeError', message: 'broken' };

const TABLE: readonly [string, Partial<ExitFacts>, 'planned' | 'crash' | 'boot_failure', RegExp][] = [
  ['a drain', { ending: 'drain', info: info({ code: 0 }) }, 'planned', /drained/],
  [
    'a fault of a job that a drain waits for',
    { ending: 'drain', running: true, info: info({ signal: 'SIGSEGV' }) },
    'crash',
    /native code.*SIGSEGV/,
  ],
  [
    'an exit by a job that a drain waits for',
    { ending: 'drain', running: true, info: info({ code: 0 }) },
    'crash',
    /exited with code 0/,
  ],
  ['a hard timeout', { ending: 'hard_timeout', info: info({ signal: 'SIGKILL' }) }, 'planned', /hard limit/],
  ['a cold stop', { ending: 'cold_stop', info: info({ signal: 'SIGKILL' }) }, 'planned', /the pool stops/],
  [
    'a blocked loop',
    { ending: 'blocked', info: info({ signal: 'SIGKILL' }) },
    'crash',
    /event loop was blocked/,
  ],
  ['an unplanned exit 0', { info: info({ code: 0 }) }, 'crash', /exited with code 0/],
  ['an exit code', { info: info({ code: 7 }) }, 'crash', /exited with code 7/],
  [
    'an overflow of the heap',
    { info: info({ signal: 'SIGABRT', lastWords: heap }) },
    'crash',
    /heap overflowed/,
  ],
  ['the same by exit code', { info: info({ code: 134, lastWords: heap }) }, 'crash', /heap overflowed/],
  ['a thread out of memory', { info: info({ code: 1, error: outOfMemory }) }, 'crash', /out of memory/],
  ['an abort', { info: info({ signal: 'SIGABRT' }) }, 'crash', /SIGABRT/],
  [
    'a kill for its memory',
    { ending: 'memory', info: info({ signal: 'SIGKILL' }) },
    'crash',
    /max_rss\.hard/,
  ],
  [
    'a drain that took too long',
    { ending: 'drain_timeout', info: info({ signal: 'SIGKILL' }) },
    'planned',
    /drain timeout/,
  ],
  [
    'SIGKILL by the kernel',
    { kernelOutOfMemory: true, info: info({ signal: 'SIGKILL' }) },
    'crash',
    /the kernel ended .* want of memory/,
  ],
  ['SIGKILL by others', { info: info({ signal: 'SIGKILL' }) }, 'crash', /from outside/],
  ['a native fault', { info: info({ signal: 'SIGSEGV' }) }, 'crash', /native code.*SIGSEGV/],
  ['an uncaught error', { error, info: info({ code: 1 }) }, 'crash', /uncaught TypeError: broken/],
  [
    'a module that does not load',
    { wasReady: false, ending: 'boot_failed', error },
    'boot_failure',
    /broken/,
  ],
  [
    'a boot that took too long',
    { wasReady: false, ending: 'ready_timeout' },
    'boot_failure',
    /not ready in time/,
  ],
  ['a death before it was ready', { wasReady: false, info: info({ code: 3 }) }, 'boot_failure', /code 3/],
  [
    'a failed fork',
    { wasReady: false, info: info({ error: new Error('EAGAIN') }) },
    'boot_failure',
    /EAGAIN/,
  ],
];

describe('exit cause', () => {
  for (const [what, facts, kind, text] of TABLE) {
    it(`tells ${what}`, () => {
      const cause = causeOf({
        info: info({}),
        ending: null,
        wasReady: true,
        running: false,
        error: null,
        ...facts,
      });
      assert.equal(cause.kind, kind);
      assert.match(cause.text, text);
    });
  }

  it('makes an error of the job with the cause, the last words and where it was thrown', () => {
    const cause = causeOf({ info: info({ code: 1 }), ending: null, wasReady: true, running: true, error });
    const { code, message, stack } = crashError(cause, 'help me', { own: 'at line 3' });
    assert.equal(code, 'ERR_WORKER_CRASHED');
    assert.match(message, /uncaught TypeError: broken; its last words: help me/);
    assert.equal(stack, 'at line 3');
    assert(crashError(cause, 'x'.repeat(9_000)).message.length < 2_000);
  });
});

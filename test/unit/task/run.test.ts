import assert from 'node:assert/strict';
import { z } from 'zod';
import { Deadlines } from '../../../src/lib/deadlines.ts';
import { type AnyTask, defineTask, type TaskContext } from '../../../src/task/define.ts';
import { Attempt, type AttemptSpec, currentToken } from '../../../src/task/run.ts';
import { NonRetryable, RetryAfter } from '../../../src/task/steering.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function attempt(task: AnyTask, more: Partial<AttemptSpec> = {}) {
  const clock = new FakeClock();
  const said: unknown[] = [];
  const softLimits = new Deadlines<Attempt>(clock, (one) => one.abort('timeout'));
  const services = {
    clock,
    softLimits,
    log: (...record: unknown[]) => said.push(record),
    progress: (...report: unknown[]) => said.push(report),
  };
  const job = { id: 'job', task: task.name, queue: 'q', attempt: 1, fence: 1, input: '', headers: {} };
  const spec = { token: 'token', ...job, timeoutMs: 0, maxResultBytes: 1_000, ...more };
  return { attempt: new Attempt(task, spec, services), clock, said };
}

const task = (run: (input: unknown, context: TaskContext) => unknown) => defineTask('t', { run });

/** Rejects with what `what` makes of the reason when the signal aborts. */
const onAbort = (signal: AbortSignal, what: (reason: unknown) => unknown) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(what(signal.reason))));

describe('an attempt', () => {
  it('reads the input once as JSON, __proto__ as an ordinary key', async () => {
    const { attempt: one } = attempt(
      task((input) => Object.keys(input as object)),
      { input: '{"__proto__":1,"a":2}' },
    );
    assert.deepEqual(await one.run(0), { type: 'completed', result: '["__proto__","a"]' });
  });

  it('gives undefined where the caller gave no input', async () => {
    assert.deepEqual(await attempt(task((input) => input)).attempt.run(0), { type: 'completed' });
  });

  it('gives the handler what zod made of the input', async () => {
    const schema = z.object({ at: z.coerce.date(), n: z.number().default(7) });
    const parse = defineTask('t', { input: schema, run: ({ at, n }) => [at.getTime(), n] });
    const { attempt: one } = attempt(parse, { input: '{"at":"2026-01-01T00:00:00Z"}' });
    assert.deepEqual(await one.run(0), { type: 'completed', result: '[1767225600000,7]' });
  });

  it('names at most ten paths that zod refuses', async () => {
    const many = defineTask('t', { input: z.array(z.number()), run: () => {} });
    const outcome = await attempt(many, { input: JSON.stringify(Array(12).fill('x')) }).attempt.run(0);
    assert(outcome.type === 'failed' && !outcome.retryable);
    assert.match(outcome.error.message, /\[0\]: .*\[9\]: .*and 2 more/);
  });

  it('fails like the handler when the schema itself throws', async () => {
    const broken = z.string().refine(() => {
      throw new Error('no database');
    });
    const outcome = await attempt(defineTask('t', { input: broken, run: () => {} }), {
      input: '"a"',
    }).attempt.run(0);
    assert(outcome.type === 'failed' && outcome.retryable);
    assert.match(outcome.error.message, /no database/);
  });

  it('makes no abort controller for a handler that never looks at the signal, and one that is aborted for a late look', async () => {
    const { attempt: one } = attempt(
      task(async (_, context) => {
        await Promise.resolve();
        return (context.signal.reason as { code: string }).code;
      }),
    );
    const end = one.run(0);
    one.abort('cancel');
    one.abort('drain');
    assert.deepEqual(await end, { type: 'completed', result: '"ERR_JOB_CANCELLED"' });
  });

  it('tells what the handler threw after the soft limit', async () => {
    const { attempt: one, clock } = attempt(
      task((_, { signal }) => onAbort(signal, () => new RangeError('half written'))),
      { timeoutMs: 100 },
    );
    const end = one.run(0);
    await clock.advance(120);
    const outcome = await end;
    assert(outcome.type === 'timed_out' && outcome.limit === 'soft');
    assert.match(outcome.error.message, /limit of 100 ms; it then threw RangeError: half written/);
    assert.equal(clock.pending, 0);
  });

  it('ends for the reason of the abort, whatever the handler then throws', async () => {
    for (const reason of ['cancel', 'drain', 'lease_lost'] as const) {
      for (const thrown of [new Error('x'), new NonRetryable('x'), new RetryAfter('1s'), undefined]) {
        const { attempt: one } = attempt(task((_, { signal }) => onAbort(signal, () => thrown)));
        const end = one.run(0);
        await new Promise((resolve) => setImmediate(resolve));
        one.abort(reason);
        assert.deepEqual(await end, { type: 'interrupted', reason });
      }
    }
  });

  it('survives whatever is thrown and whatever JSON.stringify calls', async () => {
    const hostile = {
      get message() {
        throw new Error('getter');
      },
    };
    const thrown = await attempt(task(() => Promise.reject(hostile))).attempt.run(0);
    assert.equal(thrown.type, 'failed');
    const badJson = {
      toJSON: () => {
        throw new Error('toJSON');
      },
    };
    const returned = await attempt(task(() => badJson)).attempt.run(0);
    assert(returned.type === 'failed' && !returned.retryable);
    assert.equal(returned.error.code, 'ERR_RESULT_INVALID');
    assert.match(returned.error.message, /toJSON/);
  });

  it('measures the result in bytes, not characters', async () => {
    const text = task(() => 'ü'.repeat(499));
    assert.equal((await attempt(text, { maxResultBytes: 1_000 }).attempt.run(0)).type, 'completed');
    assert.equal((await attempt(text, { maxResultBytes: 999 }).attempt.run(0)).type, 'failed');
  });

  it('is known to everything that its code starts', async () => {
    const seen: (string | null)[] = [];
    const { attempt: one } = attempt(
      task(async () => {
        seen.push(currentToken());
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(currentToken());
      }),
    );
    await one.run(0);
    assert.deepEqual([...seen, currentToken()], ['token', 'token', null]);
  });

  it('passes on progress and log records with its token', async () => {
    const { attempt: one, said } = attempt(
      task((_, { progress, log }) => {
        progress(1);
        progress(2, 3);
        log.child({ part: 'x' }).info('hello', { n: 1 });
      }),
    );
    await one.run(0);
    assert.deepEqual(said, [
      ['token', 1, null],
      ['token', 2, 3],
      ['token', 'info', 'hello', { part: 'x', n: 1 }],
    ]);
  });
});

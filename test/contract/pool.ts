/** What every pool promises, whatever runs its workers. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger, type LogLevel } from '../../src/lib/logger.ts';
import { createPool, type PoolOptions } from '../../src/pool/open.ts';
import type { Delivery, Ended, Pool } from '../../src/pool/pool.ts';

export interface LogRecord {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/tasks/${name}`, import.meta.url));

const MODULES = [
  'echo.ts',
  'checked-input.ts',
  'steer.ts',
  'wait-for-abort.ts',
  'ignore-abort.ts',
  'busy-loop.ts',
  'process-exit.ts',
  'throw-later.ts',
  'reject-late.ts',
  'leak-memory.ts',
  'bad-result.ts',
  'talk.ts',
  'native-wait.ts',
  'start-a-child.ts',
  'commonjs.cjs',
  '_shared.ts',
].map(fixture);

const DEFINE = new URL('../../src/task/define.ts', import.meta.url).href;

const DEFAULTS: PoolOptions = {
  name: 'test',
  kind: 'process',
  queues: ['q'],
  modules: MODULES,
  workers: 1,
  concurrency: 1,
  required: true,
  readyTimeout: 20_000,
  blockTimeout: 10_000,
  coldGrace: 300,
  restart: {
    initial: 20,
    factor: 2,
    max: 500,
    jitter: 0.25,
    stableAfter: 10_000,
    intensity: 5,
    period: 60_000,
  },
};

/** A pool under test, with everything that it said. */
export class Bench {
  readonly pool: Pool;
  readonly logs: LogRecord[] = [];
  /** Endings by token: more than one of a token is a fault. */
  readonly ended = new Map<string, Ended[]>();
  /** Sizes of the batches they came in. */
  readonly batches: number[] = [];
  readonly #waiting = new Map<string, (ended: Ended) => void>();
  #count = 0;

  constructor(options: Partial<PoolOptions>) {
    const logger = createLogger((level, message, fields) => this.logs.push({ level, message, fields }));
    this.pool = createPool({ ...DEFAULTS, ...options }, { random: () => 0.5, logger });
    this.pool.onEnded((ended) => {
      this.batches.push(ended.length);
      for (const one of ended) this.#note(one);
    });
  }

  delivery(task: string, input?: unknown, more: Partial<Delivery> = {}): Delivery {
    this.#count += 1;
    return {
      token: `token-${this.#count}`,
      id: `job-${this.#count}`,
      task,
      queue: 'q',
      attempt: 1,
      fence: 1,
      input: input === undefined ? '' : JSON.stringify(input),
      timeoutMs: 0,
      killAfterMs: 0,
      maxResultBytes: 1_000_000,
      alone: false,
      headers: {},
      ...more,
    };
  }

  /** Gives it to the pool when there is room, and waits for its end. */
  async run(task: string, input?: unknown, more?: Partial<Delivery>): Promise<Ended> {
    return this.give(this.delivery(task, input, more));
  }

  async give(delivery: Delivery): Promise<Ended> {
    await until(() => this.pool.free > 0, 'a free place');
    const end = this.end(delivery.token);
    this.pool.run([delivery]);
    return end;
  }

  end(token: string): Promise<Ended> {
    return new Promise((resolve) => this.#waiting.set(token, resolve));
  }

  /** The only worker's process. */
  get pid(): number | null {
    return this.pool.status().workers[0]?.pid ?? null;
  }

  #note(ended: Ended): void {
    const { token } = ended.delivery;
    this.ended.set(token, [...(this.ended.get(token) ?? []), ended]);
    this.#waiting.get(token)?.(ended);
  }
}

/** Gives a pool jobs without a pause, and again what it hands back: each must complete once. */
export class Stream {
  /** Results of what has completed, in the order of their ends. */
  readonly results: string[] = [];
  readonly #bench: Bench;
  readonly #task: string;
  readonly #input: unknown;
  readonly #lanes: Promise<void>[];
  #state: 'running' | 'ending' = 'running';

  constructor(bench: Bench, task: string, input: unknown = 1, lanes = 4) {
    this.#bench = bench;
    this.#task = task;
    this.#input = input;
    this.#lanes = Array.from({ length: lanes }, () => this.#lane());
    for (const lane of this.#lanes) lane.catch(() => {});
  }

  /** Rejects if one job of all has ended in any other way. */
  async end(): Promise<void> {
    this.#state = 'ending';
    await Promise.all(this.#lanes);
  }

  async #lane(): Promise<void> {
    while (this.#state === 'running') {
      const { outcome, runMs } = await this.#bench.run(this.#task, this.#input);
      if (outcome.type === 'completed') this.results.push(outcome.result ?? '');
      else {
        assert.deepEqual(outcome, { type: 'interrupted', reason: 'handed_back' });
        assert.equal(runMs, null, 'it was handed back after it had begun');
      }
    }
  }
}

export async function until(condition: () => boolean, what: string, ms = 15_000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Whether the process has ended, be it that nobody has collected it yet. */
export const gone = (pid: number): boolean => {
  try {
    return /^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
};

/** The kinds of resource that a pool may hold; none may be left when it has stopped. */
const held = () =>
  process.getActiveResourcesInfo().filter((name) => /Process|MessagePort|Worker|Pipe/.test(name)).length;

export interface PoolKind {
  readonly name: string;
  /** What makes it this kind. */
  readonly options: Partial<PoolOptions>;
}

export function poolContract({ name, options: kind }: PoolKind): void {
  const isProcess = kind.kind === 'process';
  const isThread = kind.kind === 'async' && kind.host !== 'process';

  describe(`pool contract: ${name}`, () => {
    let benches: Bench[] = [];
    let heldBefore = 0;

    async function started(options: Partial<PoolOptions> = {}): Promise<Bench> {
      const bench = new Bench({ ...kind, ...options });
      benches.push(bench);
      await bench.pool.start();
      return bench;
    }

    before(() => {
      heldBefore = held();
    });

    afterEach(async () => {
      const used = benches;
      benches = [];
      await Promise.all(used.map(({ pool }) => pool.stop(AbortSignal.abort())));
      for (const { ended, pool } of used) {
        for (const [token, endings] of ended)
          assert.equal(endings.length, 1, `${token} ended more than once`);
        assert.equal(pool.inFlight, 0);
        assert.equal(pool.status().state, 'stopped');
      }
      await until(() => held() <= heldBefore, 'processes, threads and pipes to be gone');
    });

    describe('one shared pool', () => {
      let bench: Bench;

      before(async () => {
        bench = new Bench(kind);
        await bench.pool.start();
      });

      after(async () => {
        await bench.pool.stop(AbortSignal.abort());
        heldBefore = held();
      });

      before(() => {
        heldBefore = Number.POSITIVE_INFINITY;
      });

      async function outcome(task: string, input?: unknown, more?: Partial<Delivery>) {
        return (await bench.run(task, input, more)).outcome;
      }

      it('gives back what a direct call returns', async () => {
        const input = { text: 'ü\u2028"', list: [1, 2.5, null], nested: { deep: true } };
        assert.deepEqual(await outcome('echo', input), { type: 'completed', result: JSON.stringify(input) });
        assert.deepEqual(await outcome('commonjs', 1), { type: 'completed', result: '{"commonjs":1}' });
      });

      it('has no result where the handler returns nothing', async () => {
        assert.deepEqual(await outcome('noop'), { type: 'completed' });
        assert.deepEqual(await outcome('bad-result', 'undefined'), { type: 'completed' });
      });

      it('tells the handler who it is', async () => {
        const delivery = bench.delivery('context', null, { attempt: 3, fence: 9, headers: { trace: 'a' } });
        const { outcome } = await bench.give(delivery);
        assert(outcome.type === 'completed');
        const { id } = delivery;
        const expected = { id, task: 'context', queue: 'q', attempt: 3, fence: 9, headers: { trace: 'a' } };
        assert.deepEqual(JSON.parse(outcome.result ?? ''), expected);
      });

      // Between two messages: a busy machine may bring the first one late.
      it('measures how long the handler ran', async () => {
        const { runMs } = await bench.run('ignore-abort', { ms: 1_000 });
        assert(runMs !== null && runMs >= 500 && runMs < 20_000, String(runMs));
      });

      it('tells of no run that it was longer than from the hand-over to the end', async () => {
        for (let count = 0; count < 20; count++) {
          const handedOver = performance.now();
          const { runMs } = await bench.run('echo', count);
          const most = performance.now() - handedOver;
          assert(runMs !== null && runMs >= 0 && runMs <= most, `${runMs} ms of ${most}`);
        }
      });

      it('hands the handler what the schema made of the input, at once or later', async () => {
        assert.deepEqual(await outcome('checked', { name: 'ada' }), { type: 'completed', result: '"ADA"' });
        assert.deepEqual(await outcome('checked-later', { name: 'ada' }), {
          type: 'completed',
          result: '"ADA"',
        });
      });

      it('fails for good with the paths of what does not fit the schema', async () => {
        for (const task of ['checked', 'checked-later']) {
          const failed = await outcome(task, { name: 1 });
          assert(failed.type === 'failed');
          assert.equal(failed.retryable, false);
          assert.equal(failed.error.code, 'ERR_INPUT_INVALID');
          assert.match(failed.error.message, /people\[2\]\.name: must be a string/);
        }
      });

      it('fails for good on an input that is no JSON', async () => {
        const { outcome } = await bench.give({ ...bench.delivery('echo'), input: '{"half":' });
        assert(outcome.type === 'failed' && !outcome.retryable);
        assert.equal(outcome.error.code, 'ERR_INPUT_INVALID');
      });

      it('fails a job whose task no module defines', async () => {
        const failed = await outcome('nobody');
        assert(failed.type === 'failed');
        assert.equal(failed.error.code, 'ERR_TASK_UNKNOWN');
      });

      it('tells what the handler threw and how it steers its job', async () => {
        const thrown = await outcome('steer', 'throw');
        assert(thrown.type === 'failed' && thrown.retryable);
        assert.deepEqual(
          [thrown.error.name, thrown.error.message, thrown.error.code],
          ['TypeError', 'broken', 'E_BROKEN'],
        );
        const text = await outcome('steer', 'value');
        assert(text.type === 'failed' && text.retryable);
        assert.match(text.error.message, /just text/);
        const dead = await outcome('steer', 'dead');
        assert(dead.type === 'failed' && !dead.retryable);
        const retry = await outcome('steer', 'retry');
        assert(retry.type === 'failed' && retry.retryable);
        assert.equal(retry.retryAfterMs, 7_000);
        assert.deepEqual(await outcome('steer', 'snooze'), { type: 'snoozed', delayMs: 9_000 });
      });

      it('fails for good on a result that JSON cannot hold', async () => {
        for (const shape of ['bigint', 'cycle', 'function', 'symbol']) {
          const failed = await outcome('bad-result', shape);
          assert(failed.type === 'failed', shape);
          assert.equal(failed.error.code, 'ERR_RESULT_INVALID');
          assert.equal(failed.retryable, false);
        }
      });

      it('fails for good on a result that is too large in bytes', async () => {
        const failed = await outcome('bad-result', 'large', { maxResultBytes: 1_000 });
        assert(failed.type === 'failed' && !failed.retryable);
        assert.equal(failed.error.code, 'ERR_RESULT_TOO_LARGE');
        assert.equal((await outcome('bad-result', 'large', { maxResultBytes: 1_202 })).type, 'completed');
      });

      it('aborts the signal at the soft limit', async () => {
        const { outcome, runMs } = await bench.run(
          'wait-for-abort',
          {},
          { timeoutMs: 500, killAfterMs: 10_000 },
        );
        assert(outcome.type === 'timed_out' && outcome.limit === 'soft');
        assert.equal(outcome.error.code, 'ERR_JOB_TIMEOUT');
        assert((runMs ?? 0) >= 250, String(runMs));
      });

      it('completes a job that heeds the abort by returning', async () => {
        const limits = { timeoutMs: 60, killAfterMs: 10_000 };
        assert.deepEqual(await outcome('report-abort', null, limits), {
          type: 'completed',
          result: '"ERR_JOB_TIMEOUT"',
        });
      });

      it('ends an aborted job with the reason', async () => {
        for (const reason of ['cancel', 'drain', 'lease_lost'] as const) {
          const delivery = bench.delivery('wait-for-abort', {});
          const end = bench.give(delivery);
          await until(() => bench.pool.status().busy === 1, 'the job to run');
          bench.pool.abort([delivery.token, 'unknown'], reason, 10_000);
          assert.deepEqual((await end).outcome, { type: 'interrupted', reason });
        }
      });

      it('tells the handler why it is aborted', async () => {
        const codes = {
          cancel: 'ERR_JOB_CANCELLED',
          drain: 'ERR_DRAINING',
          lease_lost: 'ERR_LEASE_LOST',
        } as const;
        for (const [reason, code] of Object.entries(codes)) {
          const delivery = bench.delivery('report-abort', {});
          const end = bench.give(delivery);
          await until(() => bench.pool.status().busy === 1, 'the job to run');
          bench.pool.abort([delivery.token], reason as keyof typeof codes, 10_000);
          assert.deepEqual((await end).outcome, { type: 'completed', result: `"${code}"` });
        }
      });

      it('passes on progress, log records and printed lines with their job', async () => {
        const delivery = bench.delivery('talk', 'hello', { attempt: 2 });
        const end = bench.give(delivery);
        await until(() => bench.pool.progress().some(({ done }) => done === 100), 'the last progress');
        assert.deepEqual(bench.pool.progress(), [{ token: delivery.token, done: 100, total: 100 }]);
        assert.equal((await end).outcome.type, 'completed');
        const job = { job_id: delivery.id, task: 'talk', attempt: 2, pool: 'test', worker: 0 };
        for (const message of ['printed hello', 'complained hello', 'logged hello']) {
          await until(() => bench.logs.some((record) => record.message === message), message);
          const record = bench.logs.find((one) => one.message === message);
          for (const [key, value] of Object.entries(job))
            assert.equal(record?.fields[key], value, `${message}: ${key}`);
        }
        assert.deepEqual(bench.pool.progress(), []);
      });

      it('drops what a worker prints above its quota, and tells how much that was', async () => {
        const lines = 20_000;
        assert.equal((await outcome('flood', lines)).type, 'completed');
        const passed = () => bench.logs.filter(({ message }) => message === 'drop').length;
        const dropped = () =>
          bench.logs
            .filter(({ message }) => message.startsWith('lines of a worker were dropped'))
            .reduce((sum, { fields }) => sum + Number(fields['count']), 0);
        await until(() => passed() + dropped() === lines, 'all lines to be told of');
        assert.ok(dropped() > 0);
        assert.ok(passed() > 0);
      });

      it('takes no message of user code for one of its own', async () => {
        assert.deepEqual(await outcome('impostor'), { type: 'completed', result: '"sent"' });
        assert.equal((await outcome('echo', 1)).type, 'completed');
        assert.equal(bench.pool.status().workers[0]?.restarts, 0);
      });

      it('shows its workers nothing of the environment but an allow-list', async () => {
        process.env['FORKLOOP_TEST_SECRET'] = 'broker password';
        const completed = await outcome('environment');
        delete process.env['FORKLOOP_TEST_SECRET'];
        assert(completed.type === 'completed');
        const names = Object.keys(JSON.parse(completed.result ?? ''));
        const allowed = /^(PATH|HOME|LANG|LC_.*|TZ|NODE_ENV|TMPDIR|USER)$/;
        assert.deepEqual(
          names.filter((one) => !allowed.test(one)),
          [],
        );
      });

      it('runs 2,000 jobs through, each ending once, many to a batch', async () => {
        const before = bench.batches.length;
        const deliveries = Array.from({ length: 2_000 }, (_, number) => bench.delivery('echo', number));
        const ends = deliveries.map(({ token }) => bench.end(token));
        const waiting = [...deliveries];
        const feed = () => bench.pool.run(waiting.splice(0, bench.pool.free));
        bench.pool.onFree(feed);
        await until(() => bench.pool.free > 0, 'a free place');
        feed();
        for (const [number, { outcome }] of (await Promise.all(ends)).entries()) {
          assert.deepEqual(outcome, { type: 'completed', result: String(number) });
        }
        bench.pool.onFree(() => {});
        assert(bench.batches.length - before < 2_000);
      });
    });

    it('says which tasks its workers have', async () => {
      const { pool } = await started();
      assert(pool.tasks.has('echo') && pool.tasks.get('checked')?.validated === true);
      assert.equal(pool.status().state, 'ok');
    });

    it('ends a job by force at the hard limit, though it never yields', async () => {
      const bench = await started({ blockTimeout: 60_000 });
      const { outcome } = await bench.run('busy-loop', null, { timeoutMs: 100, killAfterMs: 100 });
      assert(outcome.type === 'timed_out' && outcome.limit === 'hard', JSON.stringify(outcome));
      assert.equal(outcome.error.code, 'ERR_JOB_TIMEOUT');
      if (isProcess) assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
    });

    it('ends a job by force at the hard limit when it ignores the signal, and drops its late result', async () => {
      const bench = await started();
      const late = { timeoutMs: 50, killAfterMs: 50 };
      const { outcome, delivery } = await bench.run('ignore-abort', { ms: 400 }, late);
      assert(outcome.type === 'timed_out' && outcome.limit === 'hard');
      assert.equal((await bench.run('ignore-abort', { ms: 500 })).outcome.type, 'completed');
      assert.equal(bench.ended.get(delivery.token)?.length, 1);
    });

    it('ends by force what does not heed an abort within its grace', async () => {
      const bench = await started();
      const delivery = bench.delivery('ignore-abort', { ms: 60_000 });
      const end = bench.give(delivery);
      await until(() => bench.pool.status().busy === 1, 'the job to run');
      bench.pool.abort([delivery.token], 'cancel', 50);
      assert.deepEqual((await end).outcome, { type: 'interrupted', reason: 'cancel' });
      assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
    });

    it('crashes the job that calls process.exit, whatever the code, and goes on', async () => {
      const bench = await started();
      for (const code of [0, 3]) {
        const { outcome } = await bench.run('process-exit', { code });
        assert(outcome.type === 'crashed', JSON.stringify(outcome));
        assert.match(outcome.error.message, new RegExp(`process\\.exit\\(${code}\\)`));
      }
      assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
      assert.equal(bench.pool.status().workers[0]?.restarts, 2);
    });

    it('crashes the job whose timer throws and the one that rejects unseen, while they run', async () => {
      const bench = await started();
      const thrown = (await bench.run('throw-later', { ms: 10, hold: 5_000 })).outcome;
      assert(thrown.type === 'crashed', JSON.stringify(thrown));
      assert.match(thrown.error.message, /RangeError: thrown from a timer/);
      const rejected = (await bench.run('reject-late', { ms: 10, hold: 5_000 })).outcome;
      assert(rejected.type === 'crashed', JSON.stringify(rejected));
      assert.match(rejected.error.message, /rejected unseen/);
      assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
    });

    it('holds nothing against the next job when one that ended well throws later', async () => {
      const bench = await started();
      assert.equal((await bench.run('throw-later', { ms: 1_000, hold: 0 })).outcome.type, 'completed');
      const innocent = await bench.run('wait-for-abort', { ms: 10_000 });
      assert.deepEqual(innocent.outcome, { type: 'interrupted', reason: 'handed_back' });
      assert.equal((await bench.run('reject-late', { ms: 1_000, hold: 0 })).outcome.type, 'completed');
      assert.equal((await bench.run('wait-for-abort', { ms: 10_000 })).outcome.type, 'interrupted');
    });

    it('crashes the job that exhausts the memory', async () => {
      const bench = await started({ maxOldSpaceMb: 40, resourceLimits: { maxOldGenerationSizeMb: 40 } });
      const { outcome } = await bench.run('leak-memory');
      assert(outcome.type === 'crashed', JSON.stringify(outcome));
      assert.match(outcome.error.message, /out of memory/);
      assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
    });

    if (!isThread) {
      it('replaces a worker that is killed from outside', async () => {
        const bench = await started();
        const end = bench.run('wait-for-abort', {});
        await until(() => bench.pool.status().busy === 1, 'the job to run');
        const { pid } = bench;
        process.kill(pid ?? 0, 'SIGKILL');
        const { outcome } = await end;
        assert(outcome.type === 'crashed');
        assert.match(outcome.error.message, /SIGKILL from outside/);
        assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
        assert.notEqual(bench.pid, pid);
        assert.match(bench.pool.status().workers[0]?.lastExit ?? '', /SIGKILL/);
      });

      it('replaces a worker that is sent SIGTERM when its job has ended', async () => {
        const bench = await started();
        const end = bench.run('ignore-abort', { ms: 300 });
        await until(() => bench.pool.status().busy === 1, 'the job to run');
        const { pid } = bench;
        for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGTSTP'] as const)
          process.kill(pid ?? 0, signal);
        process.kill(pid ?? 0, 'SIGTERM');
        assert.deepEqual((await end).outcome, { type: 'completed', result: '"late"' });
        assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
        assert.notEqual(bench.pid, pid);
        assert.equal(bench.pool.status().workers[0]?.lastExit, null);
      });
    }

    it('refuses to start, and says why, when a module does not load', async () => {
      for (const [module, why] of [
        ['throw-on-start.ts', /no settings here/],
        ['no-task.ts', /no-task\.ts exports no task/],
        ['two-of-one-name.ts', /two tasks are named echo: in .*echo\.ts and in .*two-of-one-name\.ts/],
        ['not-there.ts', /not-there\.ts does not load/],
      ] as const) {
        const modules = [fixture('echo.ts'), fixture(module)];
        const start = started({ modules, restart: { ...DEFAULTS.restart, initial: 60_000 } });
        await assert.rejects(start, (error: { code?: string; message: string }) => {
          assert.equal(error.code, 'ERR_POOL_NOT_READY');
          assert.match(error.message, why);
          return true;
        });
      }
    });

    it('refuses to start with the last words of workers that die before they are ready', async () => {
      const start = started({ modules: [fixture('crash-on-start.ts')] });
      await assert.rejects(start, (error: { code?: string; message: string }) => {
        assert.equal(error.code, 'ERR_POOL_NOT_READY');
        assert.match(error.message, /process\.exit\(3\).*cannot find my settings/s);
        return true;
      });
    });

    it('refuses to start when no worker is ready in time', async () => {
      const start = started({ modules: [fixture('never-ready.ts')], readyTimeout: 5_000 });
      await assert.rejects(start, (error: { code?: string; message: string }) => {
        assert.equal(error.code, 'ERR_POOL_NOT_READY');
        assert.match(error.message, /not ready in time.*waiting for a friend/s);
        return true;
      });
    });

    it('starts without a worker where none is required, and goes on trying', async () => {
      const bench = await started({ modules: [fixture('throw-on-start.ts')], required: false });
      assert.equal(bench.pool.free, 0);
      await until(() => (bench.pool.status().workers[0]?.restarts ?? 0) > 0, 'another try');
      assert.match(bench.pool.status().workers[0]?.lastExit ?? '', /no settings here/);
    });

    it('opens the breaker when workers die young, and closes it when a probe completes a job', async () => {
      const restart = { ...DEFAULTS.restart, initial: 1, max: 50, intensity: 1 };
      const bench = await started({ restart });
      const crash = () => bench.run('process-exit', { code: 1 });
      for (let count = 0; count < 3; count += 1) await crash();
      assert.equal(bench.pool.status().state, 'crash_loop');
      assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
      assert.equal(bench.pool.status().state, 'ok');
    });

    it('does not hold the crashes of a known poison job against the pool', async () => {
      const restart = { ...DEFAULTS.restart, initial: 1, max: 50, intensity: 1 };
      const bench = await started({ restart });
      for (let count = 0; count < 4; count += 1) await bench.run('process-exit', { code: 1 }, { crashes: 1 });
      await until(() => bench.pool.status().state === 'ok', 'the pool to be well');
    });

    it('replaces a worker that has run its jobs, and loses none and runs none twice meanwhile', async () => {
      const bench = await started({ recycle: { maxJobs: 20 } });
      const stream = new Stream(bench, 'echo');
      await until(() => (bench.pool.status().workers[0]?.restarts ?? 0) >= 2, 'two replacements');
      await stream.end();
      assert.equal(bench.pool.status().workers[0]?.lastExit, null);
    });

    it('replaces a worker that has served its time while its jobs run to their end', async () => {
      const bench = await started({ recycle: { maxAge: 300 } });
      const end = bench.run('ignore-abort', { ms: 1_000 });
      await until(() => (bench.pool.status().workers[0]?.restarts ?? 0) > 0, 'the replacement');
      assert.deepEqual((await end).outcome, { type: 'completed', result: '"late"' });
      assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
    });

    describe('a roll', () => {
      let folder: string;
      let module: string;

      beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), 'fl-'));
        module = join(folder, 'version.mjs');
      });

      afterEach(() => rmSync(folder, { recursive: true, force: true }));

      /** A task that answers its version, in an ES module and in a CommonJS one that it requires. */
      function write(version: string): void {
        writeFileSync(join(folder, 'part.cjs'), `module.exports = '${version}';`);
        writeFileSync(
          module,
          `import { defineTask } from '${DEFINE}';
          import { createRequire } from 'node:module';
          const part = createRequire(import.meta.url)('./part.cjs');
          export const task = defineTask('version', { run: () => '${version}' + part + process.env.STAGE });`,
        );
      }

      const optionsOf = (more: Partial<PoolOptions> = {}): PoolOptions => ({
        ...DEFAULTS,
        ...kind,
        ...(isProcess ? { workers: 2 } : {}),
        modules: [...MODULES, module],
        env: { STAGE: 'a' },
        canary: 100,
        ...more,
      });

      const generations = ({ pool }: Bench) => pool.status().workers.map(({ generation }) => generation);

      it('brings new code and options to work, and loses no job and runs none twice', async () => {
        write('1');
        const bench = await started(optionsOf());
        await until(() => bench.pool.status().state === 'ok', 'all workers to have read the old code');
        const stream = new Stream(bench, 'version');
        await until(() => stream.results.length > 10, 'jobs of the old generation');
        for (const version of ['2', '3']) {
          write(version);
          const report = await bench.pool.roll(optionsOf({ env: { STAGE: version } }));
          const size = isProcess ? 2 : 1;
          assert.deepEqual(report, { outcome: 'rolled', generation: Number(version), replaced: size });
          assert.deepEqual(generations(bench), Array(size).fill(Number(version)));
          const before = stream.results.length;
          await until(() => stream.results.length > before + 10, 'jobs of the new generation');
          assert.equal(stream.results.at(-1), `"${version}${version}${version}"`);
        }
        await stream.end();
        assert.deepEqual([...new Set(stream.results)], ['"11a"', '"222"', '"333"']);
        assert.equal(bench.pool.status().workers[0]?.lastExit, null);
      });

      it('keeps the old generation when the new code throws or does not last, and says why', async () => {
        write('1');
        const bench = await started(optionsOf());
        const stream = new Stream(bench, 'version');
        for (const [broken, why] of [
          ['throw-on-start.ts', /the old ones stay: .*no settings here/s],
          ['crash-on-start.ts', /the old ones stay: .*cannot find my settings/s],
        ] as const) {
          const roll = bench.pool.roll(optionsOf({ modules: [fixture(broken)] }));
          await assert.rejects(roll, { code: 'ERR_POOL_NOT_READY', message: why });
        }
        const before = stream.results.length;
        await until(() => stream.results.length > before + 10, 'jobs of the old generation');
        await stream.end();
        assert.deepEqual([...new Set(stream.results)], ['"11a"']);
        assert.deepEqual(new Set(generations(bench)), new Set([1]));
        assert.equal(bench.pool.status().state, 'ok');
      });

      it('lets old jobs end within the drain timeout, and hands back what takes longer', async () => {
        write('1');
        const bench = await started(optionsOf(isProcess ? { workers: 1 } : {}));
        const short = bench.run('ignore-abort', { ms: 1_500 });
        await until(() => bench.pool.status().busy === 1, 'the job to run');
        const next = { ...(isProcess ? { workers: 1 } : {}), drainTimeout: 10_000 };
        await bench.pool.roll(optionsOf(next));
        assert.deepEqual((await short).outcome, { type: 'completed', result: '"late"' });
        const long = bench.run('ignore-abort', { ms: 60_000 });
        await until(() => bench.pool.status().busy === 1, 'the job to run');
        await bench.pool.roll(optionsOf({ ...next, drainTimeout: 50, coldGrace: 50 }));
        assert.deepEqual((await long).outcome, { type: 'interrupted', reason: 'drain' });
        assert.equal((await bench.run('version')).outcome.type, 'completed');
      });

      it('does only the last of several that wait', async () => {
        write('1');
        const bench = await started(optionsOf());
        const rolls = ['b', 'c', 'd'].map((STAGE) => bench.pool.roll(optionsOf({ env: { STAGE } })));
        const outcomes = (await Promise.all(rolls)).map(({ outcome }) => outcome);
        assert.deepEqual(outcomes, ['rolled', 'superseded', 'rolled']);
        const { outcome } = await bench.run('version');
        assert.deepEqual(outcome, { type: 'completed', result: '"11d"' });
      });

      it('is given up when the pool stops', async () => {
        write('1');
        const bench = await started(optionsOf());
        const rolls = [bench.pool.roll(optionsOf()), bench.pool.roll(optionsOf())];
        const ends = Promise.allSettled(rolls);
        await until(() => generations(bench).includes(2), 'the first new worker');
        await bench.pool.stop(AbortSignal.abort());
        for (const end of await ends) {
          assert(end.status === 'rejected');
          assert.equal(end.reason.code, 'ERR_DRAINING');
        }
        await assert.rejects(bench.pool.roll(optionsOf()), { code: 'ERR_DRAINING' });
      });
    });

    it('takes nothing when quiet, and ends what runs', async () => {
      const bench = await started();
      const end = bench.run('ignore-abort', { ms: 100 });
      await until(() => bench.pool.status().busy === 1, 'the job to run');
      bench.pool.quiet();
      assert.equal(bench.pool.free, 0);
      assert.equal((await end).outcome.type, 'completed');
      assert.equal(bench.pool.status().state, 'quiet');
    });

    it('drains at stop: what runs ends well', async () => {
      const bench = await started();
      const end = bench.run('ignore-abort', { ms: 200 });
      await until(() => bench.pool.status().busy === 1, 'the job to run');
      await bench.pool.stop(new AbortController().signal);
      assert.equal((await end).outcome.type, 'completed');
      assert.equal(bench.pool.status().state, 'stopped');
      await bench.pool.stop(AbortSignal.abort());
    });

    it('ends everything by force after the deadline of a stop, each exactly once', async () => {
      const bench = await started({ coldGrace: 100, blockTimeout: 60_000 });
      const deliveries = [bench.delivery('wait-for-abort', {}), bench.delivery('busy-loop')];
      const ends = deliveries.map(({ token }) => bench.end(token));
      await until(() => bench.pool.free > 0, 'a free place');
      bench.pool.run(deliveries.slice(isProcess ? 1 : 0));
      if (isProcess) bench.pool.run(deliveries.slice(0, 1));
      const { pid } = bench;
      const deadline = new AbortController();
      const stop = bench.pool.stop(deadline.signal);
      deadline.abort();
      await stop;
      for (const { outcome } of await Promise.all(ends)) assert.equal(outcome.type, 'interrupted');
      assert.equal(bench.pool.inFlight, 0);
      if (!isThread) assert(gone(pid ?? 0));
    });

    it('hands back what comes after a stop', async () => {
      const bench = await started();
      await bench.pool.stop(AbortSignal.abort());
      const delivery = bench.delivery('echo', 1);
      const end = bench.end(delivery.token);
      bench.pool.run([delivery]);
      assert.deepEqual((await end).outcome, { type: 'interrupted', reason: 'handed_back' });
    });

    it('stops while it starts', async () => {
      const bench = new Bench({ ...kind, modules: [fixture('never-ready.ts')] });
      benches.push(bench);
      const start = bench.pool.start();
      await bench.pool.stop(AbortSignal.abort());
      await assert.rejects(start, { code: 'ERR_POOL_NOT_READY' });
    });
  });
}

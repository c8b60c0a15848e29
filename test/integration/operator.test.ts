import assert from 'node:assert/strict';
import { join } from 'node:path';
import { callDaemon } from '../../src/control/client.ts';
import type { ArgumentsOf, CommandName, DataOf } from '../../src/control/protocol.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const config = {
  tasks: [join(ROOT, 'test/fixtures/compiled/tasks.mjs')],
  pools: { io: { kind: 'async', concurrency: 10, queues: ['work', 'other'] } },
  defaults: { retry: { attempts: 1 } },
  shutdown: { drain_timeout: '300ms' },
};

describe('what an operator does to a real daemon', function () {
  this.timeout(60_000);

  const ask = <Name extends CommandName>(
    { socket }: Daemon,
    name: Name,
    given: ArgumentsOf<Name>,
  ): Promise<DataOf<Name>> => callDaemon(socket, name, given, { timeoutMs: 5_000, clock: systemClock });
  const queueOf = async (daemon: Daemon) => ask(daemon, 'queue', { name: 'work' });

  it('retries, deletes and purges jobs, and says why when it does not', async () => {
    await withSupervisor(config, async (daemon) => {
      const enqueue = async (...words: string[]) =>
        (await daemon.cli('enqueue', ...words, '--queue', 'work')).stdout.trim();
      const died = await enqueue('steer', '"dead"');
      await until(async () => (await queueOf(daemon)).dead === 1);
      const { jobs } = await ask(daemon, 'jobs', { state: 'dead', limit: 10 });
      const [seen] = jobs.filter((job) => 'claims' in job);
      const target = { id: died, queue: 'work', claims: seen?.claims };
      assert.deepEqual(await ask(daemon, 'job_retry', target), {
        schema: 'forkloop.job-retry/1',
        ...{ id: died, queue: 'work' },
      });
      await until(async () => (await queueOf(daemon)).counters.dead === 2);
      await assert.rejects(ask(daemon, 'job_retry', target), { code: 'ERR_JOB_CHANGED' });
      await ask(daemon, 'job_delete', { id: died });
      await assert.rejects(ask(daemon, 'job_delete', { id: died }), { code: 'ERR_JOB_UNKNOWN' });

      const running = await enqueue('wait-for-abort', '{"ms":30000}');
      await until(async () => (await queueOf(daemon)).in_flight === 1);
      await assert.rejects(ask(daemon, 'job_delete', { id: running }), { code: 'ERR_JOB_IN_FLIGHT' });
      const { stdout } = await daemon.run(
        ['enqueue', 'noop', '--each', '-', '--queue', 'work', '--delay', '1h'],
        {
          input: 'null\n'.repeat(300),
        },
      );
      assert.notEqual(stdout, '');
      const purge = { name: 'work', state: 'delayed', limit: 200 } as const;
      const replies = [await ask(daemon, 'queue_purge', purge), await ask(daemon, 'queue_purge', purge)];
      assert.deepEqual(
        replies.map(({ removed, more }) => [removed, more]),
        [
          [200, true],
          [100, false],
        ],
      );
      const { in_flight, delayed, counters } = await queueOf(daemon);
      assert.deepEqual([in_flight, delayed, counters.cancelled], [1, 0, 300]);
    });
  });

  it('pauses a queue, also over a restart, and resumes it; what runs goes on', async () => {
    await withSupervisor(config, async (daemon) => {
      const enqueue = (task: string, input: unknown) =>
        daemon.cli('enqueue', task, JSON.stringify(input), '--queue', 'work');
      await enqueue('ignore-abort', { ms: 700 });
      await until(async () => (await queueOf(daemon)).in_flight === 1);
      const paused = await ask(daemon, 'queue_pause', { name: 'work' });
      assert.deepEqual([paused.paused, paused.changed], [true, true]);
      assert.equal((await enqueue('noop', null)).code, 0);
      await until(async () => (await queueOf(daemon)).counters.completed === 1);
      assert.match((await daemon.cli('status')).stdout, /^work +io +paused +1 /m);

      await daemon.stop();
      await daemon.start();
      const { ready, paused: still, paused_since, counters } = await queueOf(daemon);
      assert.deepEqual([ready, still, paused_since], [1, true, paused.paused_since]);
      assert.equal(counters.completed, 1);
      const { queues } = await ask(daemon, 'queues', {});
      assert.deepEqual(
        queues.map(({ name, pool, paused }) => [name, pool, paused]),
        [
          ['work', 'io', true],
          ['other', 'io', false],
        ],
      );
      assert.equal((await ask(daemon, 'queue_resume', { name: 'work' })).paused, false);
      await until(async () => (await queueOf(daemon)).counters.completed === 2);
    });
  });
});

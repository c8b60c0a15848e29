/** What operators do with jobs and queues, on the real daemon with every broker. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { JobsReport } from '../../src/control/messages/jobs.ts';
import type { StoredQueueReport } from '../../src/control/messages/queues.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { sharedDaemon } from '../support/shared-daemon.ts';
import { type Daemon, ROOT } from '../support/with-supervisor.ts';

const config = {
  name: 'jobs-test',
  tasks: [join(ROOT, 'test/fixtures/compiled/tasks.mjs')],
  pools: {
    cpu: { kind: 'process', workers: 1, queues: ['cpu', 'other'] },
    io: { kind: 'async', concurrency: 20, queues: ['default'] },
  },
  defaults: { retry: { attempts: 2, initial: '10ms', jitter: '0%' } },
  shutdown: { drain_timeout: '10s', cold_grace: '200ms' },
};

const parsed = <Line>(text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

interface Ended {
  readonly id: string;
  readonly status: string;
  readonly result?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
}

function operatesJobs(daemon: () => Daemon): void {
  const cli = (...words: string[]) => daemon().cli(...words);
  const enqueue = async (...words: string[]) => {
    const { code, stdout, stderr } = await cli('enqueue', ...words);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  const listed = async (...words: string[]) => {
    const { code, stdout, stderr } = await cli('job', 'list', ...words, '-o', 'json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as JobsReport;
  };

  describe('job list --where', () => {
    let later = '';
    let dead: string[] = [];
    before(async () => {
      later = await enqueue(
        'echo',
        '1',
        '--delay',
        '1h',
        '--unique',
        'k1',
        '--priority',
        '2',
        '--queue',
        'other',
      );
      const lines = '"dead"\n"dead"\n"throw"\n';
      const { stdout } = await daemon().run(['enqueue', 'steer', '--each', '-', '--wait'], { input: lines });
      dead = parsed<Ended>(stdout).map(({ id }) => id);
    });

    for (const [where, expected] of [
      ['state=dead task=steer', () => dead],
      ['state=dead error="*never again*"', () => dead.slice(0, 2)],
      ['error=TypeError:* failures=2', () => dead.slice(2)],
      ['unique=k1 due_in>50m priority<5', () => [later]],
      ['queue=oth* age<1h', () => [later]],
      ['queue=nowhere', () => []],
      ['age>1h', () => []],
    ] as const) {
      it(`finds ${where}`, async () => {
        const { jobs, more } = await listed('--where', where);
        assert.deepEqual(jobs.map(({ id }) => id).sort(), [...expected()].sort());
        assert.equal(more, false);
      });
    }

    it('joins with --state and --queue, up to --limit', async () => {
      assert.equal((await listed('--where', 'task=steer', '--state', 'delayed')).jobs.length, 0);
      assert.equal((await listed('--where', 'task=steer', '--queue', 'other')).jobs.length, 0);
      const { jobs, more } = await listed('--where', 'task=steer', '--limit', '1');
      assert.deepEqual([jobs.length, more], [1, true]);
    });

    it('tells how many jobs it has looked at, of how many', async () => {
      const { scanned, stored } = await listed('--where', 'state=dead task=none');
      assert.deepEqual([scanned, stored], [3, 3]);
    });
  });

  describe('job retry, job delete and queue purge', () => {
    const queue = ['--queue', 'other'];
    const dead = async (count: number) => {
      const input = '"dead"\n'.repeat(count);
      const { stdout } = await daemon().run(['enqueue', 'steer', '--each', '-', '--wait', ...queue], {
        input,
      });
      return parsed<Ended>(stdout).map(({ id }) => id);
    };
    const where = ['--where', 'queue=other state=dead'];

    it('ask for --yes where nobody can be asked, and name the count', async () => {
      await dead(2);
      const { stored } = await listed(...where);
      for (const line of [
        ['job', 'delete', ...where],
        ['job', 'retry', ...where, '--no-input'],
        ['queue', 'purge', 'other', '--state', 'dead'],
      ]) {
        const { code, stdout, stderr } = await cli(...line);
        assert.deepEqual([code, stdout], [64, ''], stderr);
        assert.match(stderr, new RegExp(`this would (delete|retry|remove) ${stored} (dead )?jobs`));
      }
      const dry = await cli('job', 'delete', ...where, '--dry-run', '-o', 'ndjson');
      assert.deepEqual([dry.code, parsed(dry.stdout).length], [0, stored]);
      assert.equal((await listed(...where)).stored, stored);
    });

    it('do it to ids, and tell what is refused', async () => {
      const [id = ''] = await dead(1);
      const later = await enqueue('noop', '--delay', '1h', ...queue);
      const gone = await cli('job', 'delete', later, later);
      assert.deepEqual([gone.code, gone.stdout], [0, `${later}\n`], gone.stderr);
      const again = await cli('job', 'delete', later);
      assert.deepEqual([again.code, again.stdout], [1, '']);
      assert.match(again.stderr, new RegExp(`no job ${later}`));
      const retried = await cli('job', 'retry', id, '-o', 'ndjson');
      assert.deepEqual([retried.code, parsed(retried.stdout)], [0, [{ id, outcome: 'retried' }]]);
      assert.equal((await cli('job', 'wait', id)).code, 5);
    });

    it('do it to all that fit', async () => {
      await dead(2);
      const { stored } = await listed(...where);
      const deleted = await cli('job', 'delete', ...where, '--yes');
      assert.deepEqual([deleted.code, deleted.stdout.trim().split('\n').length], [0, stored]);
      assert.match(deleted.stderr, new RegExp(`^${stored} jobs deleted$`, 'm'));
      assert.equal((await listed(...where)).stored, 0);
      await dead(3);
      const purged = await cli('queue', 'purge', 'other', '--state', 'dead', '--yes');
      assert.deepEqual([purged.code, purged.stdout], [0, 'removed 3 dead jobs\n'], purged.stderr);
      assert.equal((await listed(...where)).stored, 0);
    });
  });

  describe('queue', () => {
    const queue = async (name: string) =>
      JSON.parse((await cli('queue', 'show', name, '-o', 'json')).stdout) as StoredQueueReport;

    it('pause lets its jobs wait, until resume', async () => {
      const paused = await cli('queue', 'pause', 'cpu');
      assert.deepEqual(
        [paused.code, paused.stdout, paused.stderr],
        [0, 'queue cpu is now paused: nothing more of it is started\n', ''],
      );
      assert.match((await cli('queue', 'pause', 'cpu')).stdout, /^queue cpu is still paused/);
      const id = await enqueue('echo', '1', '--queue', 'cpu', '--result', '1m');
      assert.equal((await cli('job', 'wait', id, '--timeout', '200ms')).code, 6);
      const before = await queue('cpu');
      assert.deepEqual([before.paused, before.ready, typeof before.paused_since], [true, 1, 'string']);
      assert.match((await cli('queue', 'list')).stdout, /^cpu +cpu +paused +1 /m);
      const resumed = await cli('queue', 'resume', 'cpu');
      assert.equal(resumed.stdout, 'queue cpu is now open: its jobs are started\n');
      assert.equal((await cli('job', 'wait', id)).code, 0);
      const after = await queue('cpu');
      assert.deepEqual([after.paused, after.paused_since, after.ready], [false, null, 0]);
      assert.equal(after.counters.completed, before.counters.completed + 1);
    });

    it('of a name that no pool serves is refused, with those there are', async () => {
      for (const verb of ['show', 'pause', 'resume']) {
        const { code, stdout, stderr } = await cli('queue', verb, 'nope');
        assert.deepEqual([code, stdout], [1, '']);
        assert.match(stderr, /"nope".*cpu, other, default/);
      }
    });
  });

  describe('job wait', () => {
    it('tells once how each job ended, and ends with 0 when all are completed', async () => {
      const ids = [
        await enqueue('echo', '[1]', '--result', '1m', '--delay', '300ms'),
        await enqueue('echo', '[2]', '--result', '1m'),
      ];
      const { code, stdout, stderr } = await cli('job', 'wait', ...ids, ids[0] ?? '');
      assert.deepEqual([code, stderr], [0, '']);
      assert.deepEqual(
        new Set(parsed(stdout)),
        new Set([
          { id: ids[0], status: 'completed', result: [1] },
          { id: ids[1], status: 'completed', result: [2] },
        ]),
      );
    });

    it('ends with 5 when one is dead or expired, and prints its error', async () => {
      const ids = [
        await enqueue('steer', '"dead"', '--delay', '100ms'),
        await enqueue('echo', '1', '--result', '1m'),
      ];
      const { code, stdout } = await cli('job', 'wait', ...ids);
      const ended = parsed<Ended>(stdout).find(({ id }) => id === ids[0]);
      assert.deepEqual([code, ended?.status, ended?.error?.message], [5, 'dead', 'never again']);
    });

    it('ends with 6 at --timeout; the job goes on', async () => {
      const id = await enqueue('echo', '1', '--delay', '1h');
      const { code, stdout, stderr } = await cli('job', 'wait', id, '--timeout', '100ms');
      assert.deepEqual([code, parsed(stdout)], [6, [{ id, status: 'pending' }]]);
      assert.match(stderr, /not all jobs have ended within --timeout; they go on/);
    });

    it('ends with 1 when nobody can tell how a job ended, seen before or not', async () => {
      const never = '0198c0de-7a1b-7cc0-8000-0242ac120002';
      const id = await enqueue('noop', '--delay', '300ms');
      const { code, stdout, stderr } = await cli('job', 'wait', id, never);
      assert.equal(code, 1);
      assert.deepEqual(
        new Set(parsed(stdout)),
        new Set([
          { id: never, status: 'ended' },
          { id, status: 'ended' },
        ]),
      );
      assert.match(stderr, /keep results, with enqueue --result/);
    });

    it('prints one array with -o json', async () => {
      const id = await enqueue('echo', '1', '--result', '1m');
      const { stdout, stderr } = await cli('job', 'wait', id, '-o', 'json');
      assert.equal(stderr, '');
      assert.deepEqual(JSON.parse(stdout), [{ id, status: 'completed', result: 1 }]);
    });
  });
}

describe('operating jobs with the embedded broker', function () {
  this.timeout(60_000);
  const shared = sharedDaemon(async () => config);
  before(shared.start);
  after(shared.end);
  operatesJobs(shared.daemon);
});

describeRedis('operating jobs with Redis', function (this: Mocha.Suite | undefined) {
  let redis: RedisServer | undefined;
  const shared = sharedDaemon(async () => {
    redis = await startRedis();
    return { ...config, broker: { type: 'redis', url: redis.url } };
  });
  before(shared.start);
  after(async () => {
    await shared.end();
    await redis?.stop();
  });
  operatesJobs(shared.daemon);
});

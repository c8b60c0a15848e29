import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { filterTrace, type Trace } from '../../examples/tracking/filter/filter.ts';
import { generateTrace } from '../../examples/tracking/trace/generate.ts';
import { readTrips } from '../../examples/tracking/trace/read-trips.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

/** Real traces, where they are: named by the environment, or in a folder beside the checkout. */
const DATA = [process.env['FORKLOOP_TRACE_DATA'], resolve(ROOT, '../shared/data/geolife-001.csv.gz')].find(
  (path) => path !== undefined && path !== '' && existsSync(path),
);
const TASKS = [resolve(ROOT, 'examples/tracking/tasks/*')];
const POOLS = {
  process: { geo: { kind: 'process', workers: 2, queues: ['geo'] } },
  async: { geo: { kind: 'async', concurrency: 20, queues: ['geo'], block_timeout: '2m' } },
};

async function tracesAtHand(): Promise<Trace[]> {
  if (DATA === undefined) {
    const sizes = [0, 1, 2, 3, 10, 500, 4_000];
    return Array.from({ length: 42 }, (_, i) => generateTrace({ seed: i, points: sizes[i % sizes.length]! }));
  }
  const trips: Trace[] = [];
  for await (const trip of readTrips(DATA, (message) => assert.fail(message))) trips.push(trip);
  return trips;
}

describe(`the tracking example on ${DATA === undefined ? 'generated traces (FORKLOOP_TRACE_DATA names no file)' : DATA}`, function () {
  this.timeout(180_000);
  let traces: Trace[];
  let expected: unknown[];
  before(async () => {
    traces = await tracesAtHand();
    expected = traces.map((trace) => ({ status: 'completed', result: filterTrace(trace) }));
  });

  async function filterAll(daemon: Daemon): Promise<void> {
    const input = traces.map((trace) => `${JSON.stringify(trace)}\n`).join('');
    const words = ['enqueue', 'location.filter', '--each', '-', '--wait', '--timeout', '150s'];
    const { code, stdout, stderr } = await daemon.run(words, { input });
    assert.equal(code, 0, stderr);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, traces.length);
    for (const [i, line] of lines.entries()) {
      const { id: _, ...ended } = JSON.parse(line) as { id: string };
      assert.deepEqual(ended, expected[i], `trace ${i + 1}`);
    }
  }

  for (const kind of ['process', 'async'] as const) {
    it(`filters every trace as the plain function does, in a pool of kind ${kind} on the embedded broker`, () =>
      withSupervisor({ tasks: TASKS, pools: POOLS[kind] }, filterAll));
  }

  describeRedis('on Redis', () => {
    let redis: RedisServer;
    before(async () => {
      redis = await startRedis({ persistence: 'aof' });
    });
    after(() => redis.stop());

    for (const kind of ['process', 'async'] as const) {
      it(`filters every trace as the plain function does, in a pool of kind ${kind}`, () =>
        withSupervisor(
          { tasks: TASKS, pools: POOLS[kind], namespace: kind, broker: { type: 'redis', url: redis.url } },
          filterAll,
        ));
    }
  });
});

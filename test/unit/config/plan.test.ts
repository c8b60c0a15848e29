import assert from 'node:assert/strict';
import type { LoadedConfig } from '../../../src/config/load.ts';
import { planReload } from '../../../src/config/plan.ts';
import { configSchema } from '../../../src/config/schema.ts';

const base = {
  version: 1,
  tasks: ['a.js'],
  pools: {
    cpu: { kind: 'process', workers: 2, queues: ['heavy'] },
    io: { kind: 'async', queues: ['light'], timeout: '5s' },
  },
};

function loaded(change: Record<string, unknown> = {}, modules: readonly string[] = ['/a.js']): LoadedConfig {
  return {
    path: '/s.yaml',
    config: configSchema.parse({ ...base, ...change }),
    modules,
    warnings: [],
    report: '',
  };
}

/** The base with keys of one pool replaced. */
const withPool = (name: 'cpu' | 'io', change: Record<string, unknown>) =>
  loaded({ pools: { ...base.pools, [name]: { ...base.pools[name], ...change } } });

const plan = (after: LoadedConfig) =>
  planReload(loaded(), after).map(({ path, effect, pool }) => [path, effect, pool]);

const TABLE: readonly [string, LoadedConfig, readonly unknown[]][] = [
  ['nothing', loaded(), []],
  ['the number of workers', withPool('cpu', { workers: 3 }), [['pools.cpu.workers', 'hot', null]]],
  ['a time limit', withPool('io', { timeout: '6s' }), [['pools.io.timeout', 'hot', null]]],
  [
    'a retry policy',
    loaded({ defaults: { retry: { attempts: 9 } } }),
    [['defaults.retry.attempts', 'hot', null]],
  ],
  ['a queue’s settings', loaded({ queues: { heavy: { priority: 1 } } }), [['queues.heavy', 'hot', null]]],
  ['the log level', loaded({ log: { level: 'debug' } }), [['log.level', 'hot', null]]],
  ['the log format', loaded({ log: { format: 'json' } }), [['log.format', 'hot', null]]],
  ['the log file', loaded({ log: { file: '/var/log/x' } }), [['log.file', 'restart', null]]],
  ['concurrency', withPool('io', { concurrency: 7 }), [['pools.io.concurrency', 'roll', 'io']]],
  ['a worker’s environment', withPool('cpu', { env: { A: '1' } }), [['pools.cpu.env', 'roll', 'cpu']]],
  [
    'a pool’s queues',
    withPool('cpu', { queues: ['heavy', 'more'] }),
    [['pools.cpu.queues', 'restart', null]],
  ],
  ['a pool that goes', loaded({ pools: { io: base.pools.io } }), [['pools.cpu', 'restart', null]]],
  [
    'the broker',
    loaded({ broker: { type: 'redis', url: 'redis://h' } }),
    [
      ['broker.type', 'restart', null],
      ['broker.path', 'restart', null],
      ['broker.url', 'restart', null],
      ['broker.lease', 'restart', null],
      ['broker.heartbeat', 'restart', null],
      ['broker.on_lease_lost', 'restart', null],
    ],
  ],
  ['the task patterns', loaded({ tasks: ['b.js'] }), [['tasks', 'roll', null]]],
  ['the files that the patterns match', loaded({}, ['/a.js', '/b.js']), [['tasks', 'roll', null]]],
];

describe('the plan of a reload', () => {
  for (const [what, after, changes] of TABLE) {
    it(`tells what a change of ${what} takes`, () => assert.deepEqual(plan(after), changes));
  }

  it('tells the values before and after', () => {
    const [change] = planReload(loaded(), withPool('cpu', { workers: 3 }));
    assert.deepEqual([change?.from, change?.to], [2, 3]);
  });
});

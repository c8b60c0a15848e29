import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Client, createClient, type JobHandle } from '../../src/index.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const tasks = [
  'bad-result',
  'busy-loop',
  'echo',
  'leak-memory',
  'process-exit',
  'reject-late',
  'steer',
  'throw-later',
];

/** Small limits, so that what runs for ever or eats all memory ends soon. */
const config = {
  tasks: tasks.map((name) => join(ROOT, `test/fixtures/tasks/${name}.ts`)),
  defaults: { timeout: '30s', kill_after: '300ms', retry: { attempts: 1 } },
  pools: {
    forked: { kind: 'process', workers: 2, queues: ['forked'], max_heap: '64MiB' },
    thread: { kind: 'async', concurrency: 20, queues: ['thread'], block_timeout: '500ms', max_heap: '64MiB' },
    child: {
      kind: 'async',
      host: 'process',
      concurrency: 20,
      queues: ['child'],
      block_timeout: '500ms',
      max_heap: '64MiB',
    },
  },
};

/** What a handler does, and what must stand in the error of its job. */
const MISBEHAVIOUR: readonly { what: string; task: string; input: unknown; error: RegExp }[] = [
  { what: 'throws', task: 'steer', input: 'throw', error: /TypeError: broken/ },
  { what: 'throws a string', task: 'steer', input: 'value', error: /just text/ },
  { what: 'rejects late', task: 'reject-late', input: { ms: 1, hold: 300 }, error: /rejected unseen/ },
  { what: 'calls process.exit', task: 'process-exit', input: { code: 0 }, error: /process\.exit\(0\)/ },
  { what: 'exhausts memory', task: 'leak-memory', input: null, error: /heap|memory/i },
  { what: 'loops for ever', task: 'busy-loop', input: null, error: /limit|time/i },
  { what: 'returns a bigint', task: 'bad-result', input: 'bigint', error: /BigInt|JSON/i },
  { what: 'returns a cycle', task: 'bad-result', input: 'cycle', error: /circular|JSON/i },
  { what: 'returns a function', task: 'bad-result', input: 'function', error: /function|JSON/i },
];

async function neighbours(client: Client, queue: string): Promise<JobHandle[]> {
  return client.enqueueMany(
    'echo',
    Array.from({ length: 20 }, (_, i) => ({ i })),
    { queue, result: true },
  );
}

async function check(daemon: Daemon, queue: string): Promise<void> {
  const pid = daemon.pid;
  await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
  for (const { what, task, input, error } of MISBEHAVIOUR) {
    const before = await neighbours(client, queue);
    const bad = await client.enqueue(task, input, {
      queue,
      result: true,
      ...(task === 'busy-loop' ? { timeout: '300ms' } : {}),
    });
    const after = await neighbours(client, queue);
    const end = await bad.result({ timeout: '25s' }).then(
      () => 'completed',
      (reason: Error) => reason.message,
    );
    assert.match(end, error, `a handler that ${what}`);
    assert.match(end, /is dead/);
    const results = await Promise.all(
      [...before, ...after].map((handle) => handle.result({ timeout: '25s' })),
    );
    assert.deepEqual(
      results,
      [...Array(20).keys(), ...Array(20).keys()].map((i) => ({ i })),
      `beside a handler that ${what}`,
    );
  }
  assert.equal((await daemon.status()).pid, pid);
  await until(async () => {
    const { queues } = await daemon.status();
    const { ready, in_flight, dead } = queues.find(({ name }) => name === queue) ?? {};
    return ready === 0 && in_flight === 0 && dead === MISBEHAVIOUR.length;
  });
}

describe('handlers that misbehave', () => {
  it('end their own job with a clear error and harm no other, in every kind of pool', async function () {
    this.timeout(120_000);
    await withSupervisor(config, async (daemon) => {
      await Promise.all(Object.keys(config.pools).map((queue) => check(daemon, queue)));
    });
  });
});

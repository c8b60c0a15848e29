import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { type TaskReport, taskReport } from '../../../src/cli/task-report.ts';
import { queueSettingsOf } from '../../../src/supervisor/queue-settings.ts';
import type { TaskManifest } from '../../../src/task/define.ts';
import { resolveLimits } from '../../../src/task/limits.ts';
import { runMain } from '../../support/run-main.ts';
import { TemporaryFolder } from '../config/temporary-config.ts';

const TEXT = `version: 1
tasks: [tasks.mjs]
defaults: { timeout: 70s, retry: { max: 2m } }
pools:
  io: { kind: async, queues: [a, b], timeout: 20s, kill_after: 3s, retry: { attempts: 9, jitter: 10% } }
queues:
  a: { timeout: 10s, priority: 2, retry: { attempts: 7, backoff: fixed } }
routes:
  - { task: "x.*", queue: a }
`;

const ROOT = new URL('../../../', import.meta.url).pathname;
const TASKS = `
import { defineTask } from ${JSON.stringify(`${ROOT}src/index.ts`)};
import { z } from ${JSON.stringify(`${ROOT}node_modules/zod/index.js`)};
const run = () => {};
export const a = defineTask('x.one', { input: z.object({ size: z.int().default(3) }), retry: { attempts: 5 }, run });
export const b = defineTask('y.two', { queue: 'b', run });
export const c = defineTask('y.three', { run });
const check = { version: 1, vendor: 'own', validate: (value) => ({ value }) };
export const d = defineTask('x.four', { input: { '~standard': check }, run });
export const e = defineTask('x.five', { input: z.object({ at: z.date() }), run });
`;

describe('task', () => {
  let folder: TemporaryFolder;
  before(() => {
    folder = new TemporaryFolder();
    folder.write('s.yaml', TEXT);
    folder.write('tasks.mjs', TASKS);
  });
  after(() => folder.remove());
  const run = (line: string) => runMain(`${line} -c s.yaml`, {}, folder.path);

  it('report: of each option the nearest level wins, and is named', () => {
    const manifest: TaskManifest = { name: 'x.one', validated: true, retry: { attempts: 5 } };
    const { queue, queue_from, pool, options } = taskReport(manifest, folder.load(TEXT).config);
    assert.deepEqual([queue, queue_from, pool], ['a', 'routes[0]', 'io']);
    assert.deepEqual(options, {
      timeout_ms: { value: 10_000, from: 'queues.a' },
      kill_after_ms: { value: 3_000, from: 'pools.io' },
      priority: { value: 2, from: 'queues.a' },
      'retry.attempts': { value: 5, from: 'task' },
      'retry.backoff': { value: 'fixed', from: 'queues.a' },
      'retry.initial_ms': { value: 1_000, from: 'defaults' },
      'retry.max_ms': { value: 120_000, from: 'defaults' },
      'retry.jitter': { value: 0.1, from: 'pools.io' },
    });
  });

  it('report: says what the daemon does', () => {
    const { config } = folder.load(TEXT);
    const manifests: TaskManifest[] = [
      { name: 'x.one', validated: true, retry: { attempts: 5, max: 9_000 } },
      { name: 'x.two', validated: true, timeoutMs: 0, killAfterMs: 1 },
      { name: 'y', validated: true, queue: 'b', retry: { backoff: 'exponential', jitter: 0, initial: 5 } },
    ];
    for (const manifest of manifests) {
      const { queue, options } = taskReport(manifest, config);
      const settings = queueSettingsOf(config, config.pools['io']!).find(({ name }) => name === queue)!;
      const limits = resolveLimits([manifest, ...settings.levels], settings.defaults);
      assert.deepEqual(
        {
          timeoutMs: options.timeout_ms.value,
          killAfterMs: options.kill_after_ms.value,
          retry: {
            attempts: options['retry.attempts'].value,
            backoff: options['retry.backoff'].value,
            initial: options['retry.initial_ms'].value,
            max: options['retry.max_ms'].value,
            jitter: options['retry.jitter'].value,
          },
        },
        limits,
      );
    }
  });

  it('list tells every task, and warns of one that nobody runs', async () => {
    const { code, stdout, stderr } = await run('task list');
    assert.equal(code, 0);
    assert.match(stdout, /^TASK +QUEUE +POOL +TIMEOUT +ATTEMPTS +INPUT\n/);
    assert.match(stdout, /^x\.one +a +io +10s +5 +checked$/m);
    assert.match(stdout, /^y\.three +default +- +1m 10s +3 +any$/m);
    assert.match(stderr, /^warning: y\.three goes to the queue "default", which no pool serves: add it/);
    assert.match((await run('task list -o wide')).stdout, /^x\.one .* fixed +routes\[0\]$/m);
  });

  it('list is the same in JSON, YAML and lines', async () => {
    const { schema, tasks } = JSON.parse((await run('task list -o json')).stdout) as {
      schema: string;
      tasks: TaskReport[];
    };
    assert.equal(schema, 'forkloop.tasks/1');
    assert.deepEqual(
      tasks.map(({ name }) => name),
      ['x.five', 'x.four', 'x.one', 'y.three', 'y.two'],
    );
    const lines = (await run('task list -o ndjson')).stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      tasks,
    );
    assert.deepEqual((parse((await run('task list -o yaml')).stdout) as { tasks: unknown }).tasks, tasks);
  });

  it('show tells the options with their levels and the form of the input', async () => {
    const { code, stdout, stderr } = await run('task show x.one');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^queue +a +routes\[0\]$/m);
    assert.match(stdout, /^timeout +10s +queues\.a$/m);
    assert.match(stdout, /^retry\.jitter +10% +pools\.io$/m);
    const report = JSON.parse((await run('task show x.one -o json')).stdout) as {
      schema: string;
      input_schema: { properties: object; required?: unknown };
    };
    assert.equal(report.schema, 'forkloop.task/1');
    assert.deepEqual(Object.keys(report.input_schema.properties), ['size']);
    assert.equal(report.input_schema.required, undefined, 'callers may leave out what has a default');
    for (const format of ['yaml', 'ndjson'])
      assert.deepEqual(parse((await run(`task show x.one -o ${format}`)).stdout), report);
  });

  it('show does without a JSON Schema where the library tells none', async () => {
    for (const [name, text] of [
      ['x.four', /^input +checked, by a library that tells no JSON Schema$/m],
      ['x.five', /^input +checked, by a library that tells no JSON Schema$/m],
      ['y.two', /^input +any JSON$/m],
    ] as const) {
      const { code, stdout } = await run(`task show ${name}`);
      assert.equal(code, 0);
      assert.match(stdout, text);
    }
  });

  it('show of a task that is not there ends with 1 and a suggestion', async () => {
    const { code, stdout, stderr } = await run('task show x.ones');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /no task is named "x\.ones", did you mean "x\.one"\?/);
  });
});

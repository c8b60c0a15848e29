/** Every command that only reads, in every format, on one real daemon. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { parse } from 'yaml';
import { FORMATS } from '../../src/cli/output.ts';
import { textWidth } from '../../src/cli/table.ts';
import { READING_COMMANDS, type ReadingCommand } from '../support/reading-commands.ts';
import { runMain } from '../support/run-main.ts';
import { sharedDaemon } from '../support/shared-daemon.ts';
import { ROOT } from '../support/with-supervisor.ts';

type Report = Readonly<Record<string, unknown>>;

describe('commands that only read', function () {
  this.timeout(60_000);
  const shared = sharedDaemon(async () => ({
    name: 'formats-test',
    tasks: [join(ROOT, 'test/fixtures/compiled/tasks.mjs')],
    pools: {
      cpu: { kind: 'process', workers: 1, queues: ['cpu', 'other'] },
      io: { kind: 'async', concurrency: 20, queues: ['default'] },
    },
    schedules: { tick: { task: 'noop', every: '1h' } },
  }));
  let job = '';
  before(async () => {
    await shared.start();
    job = (await shared.daemon().cli('enqueue', 'echo', '1', '--delay', '1h')).stdout.trim();
  });
  after(shared.end);

  const run = async ({ words }: ReadingCommand, format: string, columns?: number) => {
    const { configPath, folder } = shared.daemon();
    const line = `${words.replace('JOB', job)} -c ${configPath} -o ${format} --no-color`;
    const ran = await runMain(line, {}, folder, columns === undefined ? undefined : { columns });
    assert.deepEqual([ran.code, ran.stderr], [0, ''], line);
    return ran.stdout;
  };

  for (const command of READING_COMMANDS) {
    const { words, schema, keys, line } = command;

    it(`${words} prints its report as json, yaml and ndjson, in the shape of ${schema}`, async () => {
      const json = JSON.parse(await run(command, 'json')) as Report;
      assert.equal(json['schema'], schema);
      assert.equal(Object.keys(json).join(' '), keys);
      const yaml = parse(await run(command, 'yaml')) as Report;
      assert.deepEqual(formOf(yaml), formOf(json));
      const lines = (await run(command, 'ndjson')).split('\n').slice(0, -1);
      const forms = new Set(lines.map((text) => Object.keys(JSON.parse(text) as Report).join(' ')));
      assert.deepEqual([...forms], lines.length === 0 ? [] : [line ?? keys]);
      if (line === null) assert.equal(lines.length, 1);
    });

    it(`${words} is readable on a terminal of 80 columns, as table and wide`, async () => {
      const table = await run(command, 'table', 80);
      assert.match(table, /\S.*\n$/s);
      for (const line of table.split('\n')) assert.ok(textWidth(line) <= 80, line);
      assert.match(await run(command, 'wide', 200), /\S.*\n$/s);
    });
  }

  it('take the formats of --output', () => {
    assert.deepEqual(FORMATS, ['table', 'wide', 'json', 'ndjson', 'yaml']);
  });
});

/** The form of a value without what changes from call to call. */
function formOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(formOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, formOf(inner)]));
}

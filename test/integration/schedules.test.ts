import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse, stringify } from 'yaml';
import type { Broker } from '../../src/broker/broker.ts';
import { openBroker } from '../../src/broker/open.ts';
import type {
  ScheduleReport,
  ScheduleRunReport,
  SchedulesReport,
} from '../../src/control/messages/schedules.ts';
import { tickId } from '../../src/scheduler/tick-id.ts';
import { describeRedis, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, runSupervisor, withSupervisor } from '../support/with-supervisor.ts';

const tasks = [join(ROOT, 'test/fixtures/compiled/tasks.mjs')];
const pools = { io: { kind: 'async', concurrency: 50, queues: ['ticks', 'other'] } };

describe('schedules of a real daemon', function () {
  this.timeout(60_000);
  const config = {
    ...{ tasks, pools },
    routes: [{ task: 'echo', queue: 'ticks' }],
    queues: { ticks: { keep: { results: '10m' } } },
    schedules: {
      beat: { task: 'echo', every: '1s', overlap: 'allow', missed: 'all', input: { beat: [1, 'é'] } },
      nightly: { task: 'noop', queue: 'other', cron: '30 2 * * *', timezone: 'Europe/Paris', jitter: '90s' },
    },
  };
  const show = async (daemon: Daemon, ...words: string[]) =>
    JSON.parse((await daemon.cli('schedule', 'show', ...words, '-o', 'json')).stdout) as ScheduleReport;

  it('fire, tell where they stand, and run by hand', async () => {
    await withSupervisor(config, async (daemon) => {
      const first = await show(daemon, 'beat');
      let reached = first;
      await until(async () => {
        reached = await show(daemon, 'beat');
        return (reached.reached_at ?? '') > (first.next[1]?.tick_at ?? '');
      });
      for (const { tick_at } of first.next.slice(0, 2)) {
        const id = tickId('ticks', 'beat', Date.parse(tick_at));
        await until(async () => {
          const { stdout } = await daemon.cli('job', 'show', id, '-o', 'json');
          const { state, result } = JSON.parse(stdout) as { state: string; result?: unknown };
          if (state === 'completed') assert.deepEqual(result, { beat: [1, 'é'] });
          return state === 'completed';
        });
      }
      const ran = await daemon.cli('schedule', 'run', 'nightly', '-o', 'json');
      const report = JSON.parse(ran.stdout) as ScheduleRunReport;
      assert.deepEqual(
        [ran.code, report.name, report.queue, report.existing],
        [0, 'nightly', 'other', false],
      );
      await until(async () => (await daemon.status()).queues.every(({ in_flight }) => in_flight === 0));
    });
  });

  it('are told in every format, with their ticks to come', async () => {
    await withSupervisor(config, async (daemon) => {
      const table = await daemon.cli('schedule', 'list');
      assert.equal(table.code, 0, table.stderr);
      assert.match(table.stdout, /^NAME +TASK +WHEN +NEXT +LAST/);
      assert.match(table.stdout, /^beat +echo +every 1s +(in [01]s|\d+s ago)/m);
      assert.match(table.stdout, /^nightly +noop +30 2 \* \* \* {2}Europe\/Paris +in \d+[hms]/m);
      assert.match(
        (await daemon.cli('schedule', 'list', '-o', 'wide')).stdout,
        /QUEUE[\s\S]*nightly +noop +other/,
      );

      const json = JSON.parse((await daemon.cli('schedule', 'list', '-o', 'json')).stdout) as SchedulesReport;
      assert.equal(json.schema, 'forkloop.schedules/1');
      const [beat, nightly] = json.schedules;
      assert.deepEqual(
        [beat?.every_ms, beat?.cron, beat?.overlap, beat?.missed],
        [1_000, null, 'allow', 'all'],
      );
      assert.deepEqual(
        [
          nightly?.schema,
          nightly?.cron,
          nightly?.timezone,
          nightly?.jitter_ms,
          nightly?.queue,
          nightly?.input,
        ],
        ['forkloop.schedule/1', '30 2 * * *', 'Europe/Paris', 90_000, 'other', null],
      );
      const yaml = await daemon.cli('schedule', 'list', '-o', 'yaml');
      assert.equal((parse(yaml.stdout) as SchedulesReport).schedules.length, 2);
      const lines = (await daemon.cli('schedule', 'list', '-o', 'ndjson')).stdout.trim().split('\n');
      assert.deepEqual(
        lines.map((line) => (JSON.parse(line) as ScheduleReport).name),
        ['beat', 'nightly'],
      );

      const { next } = await show(daemon, 'nightly', '--next', '12');
      assert.equal(next.length, 12);
      for (const { tick_at, due_at } of next) {
        assert.match(tick_at, /T0[01]:30:00.000Z$/);
        assert(due_at >= tick_at && Date.parse(due_at) <= Date.parse(tick_at) + 90_000);
      }
      const text = (await daemon.cli('schedule', 'show', 'nightly', '--next', '3')).stdout;
      assert.match(text, /^when +30 2 \* \* \* {2}Europe\/Paris$/m);
      assert.equal(text.match(/T\d\d:3\d:\d\d\.\d{3}Z {2}in /g)?.length, 3);

      const unknown = await daemon.cli('schedule', 'show', 'nightli');
      assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
      assert.match(unknown.stderr, /no schedule is named "nightli": there are beat, nightly/);
      assert.equal((await daemon.cli('schedule', 'show', 'beat', '--next', '-1')).code, 64);
    });
  });

  it('are added, changed and taken away by a reload', async () => {
    await withSupervisor(config, async (daemon) => {
      const edit = async (schedules: Record<string, unknown>) => {
        const file = parse(await readFile(daemon.configPath, 'utf8')) as Record<string, unknown>;
        await writeFile(daemon.configPath, stringify({ ...file, schedules }));
        return daemon.cli('reload');
      };
      const refused = await edit({ bad: { task: 'eco', every: '1s' } });
      assert.deepEqual([refused.code, refused.stdout.includes('did you mean "echo"?')], [1, true]);
      const input = await edit({ bad: { task: 'checked', every: '1s', input: { name: 1 } } });
      assert.equal(input.code, 1);
      assert.match(input.stdout, /schedules\.bad\.input: checked refuses the input: people\.2\.name/);
      const { code, stderr } = await edit({ other: { task: 'echo', every: '1s', input: 'other' } });
      assert.deepEqual([code, stderr], [0, '']);
      const start = await show(daemon, 'other');
      await until(
        async () => ((await show(daemon, 'other')).reached_at ?? '') > (start.next[0]?.due_at ?? ''),
      );
      const { stdout } = await daemon.cli('schedule', 'list', '-o', 'ndjson');
      assert.equal((JSON.parse(stdout) as ScheduleReport).name, 'other');
    });
  });

  for (const [what, schedule, message] of [
    [
      'a task that no module defines',
      { task: 'eco' },
      /s\.yaml:\d+:11: error: schedules\.bad\.task: no task is named "eco", did you mean "echo"\?/,
    ],
    [
      'a queue that no pool serves',
      { task: 'noop' },
      /s\.yaml:\d+:3: error: schedules\.bad: no pool serves the queue "default" of noop; there are ticks, other/,
    ],
    [
      'an input that its task refuses',
      { task: 'checked', queue: 'ticks', input: { name: 1 } },
      /s\.yaml:\d+:7: error: schedules\.bad\.input: checked refuses the input: people\.2\.name: must be a string/,
    ],
    [
      'no input where its task wants one',
      { task: 'checked', queue: 'ticks' },
      /s\.yaml:\d+:3: error: schedules\.bad: gives no input, and checked wants one: people\.2\.name: must be a string/,
    ],
  ] as const) {
    it(`with ${what} end check and start with 78 and the reason`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'fl-'));
      try {
        const bad = { ...config, version: 1, schedules: { bad: { ...schedule, every: '1s' } } };
        const placed = { broker: { type: 'embedded', path: 'jobs.db' }, control: { directory: '.' } };
        await writeFile(join(folder, 's.yaml'), stringify({ ...bad, ...placed }));
        for (const command of ['check', 'start']) {
          const { code, stdout, stderr } = await runSupervisor([command, '-c', 's.yaml'], { cwd: folder });
          assert.deepEqual([code, stdout], [78, ''], stderr);
          assert.match(stderr, message);
        }
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }

  it('may come with their task in one reload, and not with a module that does not load', async () => {
    const module = (name: string) =>
      `import { defineTask } from ${JSON.stringify(pathToFileURL(join(ROOT, 'dist/index.js')).href)};
       export const task = defineTask('${name}', { run: () => {} });`;
    await withSupervisor(
      { tasks: ['./task.mjs'], pools: { io: { kind: 'async', queues: ['default'] } } },
      async (daemon) => {
        const file = parse(await readFile(daemon.configPath, 'utf8')) as Record<string, unknown>;
        const schedules = { new: { task: 'new', every: '1h' } };
        await writeFile(daemon.configPath, stringify({ ...file, schedules }));
        await writeFile(join(daemon.folder, 'task.mjs'), 'throw new Error("half a deploy");');
        const broken = await daemon.cli('reload');
        assert.equal(broken.code, 1);
        assert.match(broken.stdout, /error: tasks: .*task\.mjs does not load: Error: half a deploy/);
        await writeFile(join(daemon.folder, 'task.mjs'), module('new'));
        const { code, stdout } = await daemon.cli('reload');
        assert.equal(code, 0, stdout);
        assert.equal((await show(daemon, 'new')).task, 'new');
      },
      {},
      { 'task.mjs': module('old') },
    );
  });

  it('are asked of a daemon: without one the answer is 3', async () => {
    const help = await runSupervisor(['schedule', '--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /list[\s\S]*show[\s\S]*run/);
    const away = await runSupervisor(['schedule', 'list', '--socket', '/nonexistent/control.sock']);
    assert.deepEqual([away.code, away.stdout], [3, '']);
  });
});

describeRedis('schedules of three daemons on one Redis', () => {
  const names = Array.from({ length: 10 }, (_, at) => `beat${at}`);
  const queue = 'ticks';
  const SECONDS = 20;

  it('fire each tick of ten schedules once, also when one of them is killed', async function () {
    this.timeout(120_000);
    const server = await startRedis();
    const broker = openBroker({ type: 'redis', url: server.url, namespace: 'three' });
    try {
      await broker.start();
      const reached = () => reachedBy(broker);
      const begin = await reached();
      const after = async (seconds: number) => {
        const end = Math.max(...begin) + seconds * 1_000;
        await until(async () => Math.min(...(await reached())) >= end, 60_000);
      };
      const config = configOn(server.url);
      await withSupervisor(config, (first) =>
        withSupervisor(config, (second) =>
          withSupervisor(config, async (third) => {
            await after(SECONDS / 2);
            second.kill('SIGKILL');
            await second.exited;
            await after(SECONDS);
            await allEnded(broker, ticksBetween(begin, await reached()));
            await Promise.all([first.stop(), third.stop()]);
          }),
        ),
      );
      const ticks = ticksBetween(begin, await reached());
      assert(ticks.length >= names.length * SECONDS, `${ticks.length} ticks`);
      // Each tick has its own id; as many jobs as ticks: none was fired twice.
      assert.equal((await broker.stats(queue)).counters.enqueued, ticks.length);
    } finally {
      await broker.close();
      await server.stop();
    }
  });

  const configOn = (url: string) => ({
    ...{ tasks, pools: { io: { kind: 'async', concurrency: 50, queues: [queue] } }, namespace: 'three' },
    broker: { type: 'redis', url, lease: '5s', heartbeat: '500ms' },
    queues: { ticks: { keep: { results: '10m' } } },
    schedules: Object.fromEntries(
      names.map((name) => [
        name,
        { ...{ task: 'echo', queue, every: '1s', overlap: 'allow', missed: 'all' }, input: name },
      ]),
    ),
  });

  const reachedBy = (broker: Broker) =>
    Promise.all(names.map(async (schedule) => (await broker.watermark(queue, { schedule })).watermark.tick));

  /** Id and schedule of each tick. */
  const ticksBetween = (begin: readonly number[], end: readonly number[]) =>
    names.flatMap((name, at) => {
      const ids: (readonly [id: string, name: string])[] = [];
      const first = (Math.floor((begin[at] ?? 0) / 1_000) + 1) * 1_000;
      for (let tick = first; tick <= (end[at] ?? 0); tick += 1_000)
        ids.push([tickId(queue, name, tick), name]);
      return ids;
    });

  /** Those that the killed daemon had in flight run elsewhere when its lease has passed. */
  async function allEnded(
    broker: Broker,
    ticks: readonly (readonly [id: string, name: string])[],
  ): Promise<void> {
    const results = () =>
      broker.results(
        queue,
        ticks.map(([id]) => id),
      );
    await until(async () => (await results()).every((json) => json !== null), 30_000);
    assert.deepEqual(
      (await results()).map((json) => (JSON.parse(json ?? '{}') as { result?: unknown }).result),
      ticks.map(([, name]) => name),
    );
  }
});

import assert from 'node:assert/strict';
import pc from 'picocolors';
import { banner } from '../../../src/cli/banner.ts';
import { formatCount, shortPath, statusView } from '../../../src/cli/status-view.ts';
import { textWidth } from '../../../src/cli/table.ts';
import type { StatusReport } from '../../../src/control/messages/daemon.ts';

const report: StatusReport = {
  schema: 'forkloop.status/1',
  name: 'eta-service',
  pid: 4711,
  version: '0.1.0',
  state: 'running',
  started_at: '2026-01-02T03:04:05.000Z',
  uptime_seconds: 200,
  broker: { type: 'embedded', up: true, location: '/srv/app/var/forkloop.db' },
  pools: [
    {
      name: 'cpu',
      kind: 'process',
      host: 'cluster',
      state: 'ok',
      workers: [
        {
          slot: 0,
          pid: 4712,
          state: 'busy',
          stalled: false,
          rss_bytes: 50_331_648,
          restarts: 0,
          generation: 1,
        },
        {
          slot: 1,
          pid: null,
          state: 'starting',
          stalled: false,
          rss_bytes: null,
          restarts: 3,
          generation: null,
        },
      ],
      busy: 1,
      concurrency: 2,
      queues: ['geo'],
    },
    {
      name: 'io',
      kind: 'async',
      host: 'thread',
      state: 'ok',
      workers: [
        { slot: 0, pid: 4711, state: 'ready', stalled: false, rss_bytes: null, restarts: 0, generation: 1 },
      ],
      busy: 41,
      concurrency: 2000,
      queues: ['eta', 'mail'],
    },
  ],
  queues: [
    {
      name: 'geo',
      pool: 'cpu',
      ready: 12345,
      delayed: 2,
      in_flight: 1,
      dead: 1,
      oldest_ready_seconds: 75,
      paused: false,
      paused_since: null,
    },
    {
      name: 'eta',
      pool: 'io',
      ready: null,
      delayed: null,
      in_flight: null,
      dead: null,
      oldest_ready_seconds: null,
      paused: null,
      paused_since: null,
    },
  ],
  log: { file: null, dropped: 0 },
  launch: { by: 'terminal', words: [], cwd: '/srv/app' },
  config: { path: '/srv/app/config/supervisor.yaml', generation: 1, last_reload: null },
};

const options = { colors: pc.createColors(false), width: 80, cwd: '/srv/app', wide: false };

describe('status for people', () => {
  it('tells the daemon, its pools, workers and queues', () => {
    assert.equal(
      statusView(report, options),
      `
forkloop 0.1.0  eta-service  pid 4711  running, up 3m 20s
  config/supervisor.yaml
broker  embedded  up  var/forkloop.db

POOL  KIND     STATE     BUSY  WORKERS  QUEUES
cpu   process  ok         1/2      1/2  geo
io    async    ok     41/2000      1/1  eta mail

WORKER   PID  STATE     MEMORY  RESTARTS
cpu/0   4712  busy      48 MiB         0
cpu/1      -  starting       -         3
io/0    4711  ready          -         0

QUEUE  POOL   READY  DELAYED  IN FLIGHT  DEAD  OLDEST
geo    cpu   12,345        2          1     1  1m 15s
eta    io         -        -          -     -       -`.trimStart(),
    );
  });

  it('says when the broker does not answer', () => {
    const away = { ...report, broker: { ...report.broker, up: false } };
    assert.match(statusView(away, options), /^broker {2}embedded {2}does not answer/m);
  });

  it('says which queues are paused, and nothing of it while none is', () => {
    const [geo, eta] = report.queues;
    const since = { paused: true, paused_since: '2026-01-02T03:05:00.000Z' };
    const text = statusView({ ...report, queues: [{ ...geo!, ...since }, eta!] }, options);
    assert.match(text, /^QUEUE {2}POOL {2}STATE {3,}READY/m);
    assert.match(text, /^geo {4}cpu {3}paused {2}12,345/m);
    assert.match(text, /^eta {4}io {4}- {2}/m);
  });

  it('tells more when asked for wide', () => {
    const text = statusView(report, { ...options, wide: true });
    assert.match(text, /generation 1/);
    assert.match(text, /HOST/);
  });

  it('has no table wider than the terminal, with names as long as they may be', () => {
    const long = 'n'.repeat(100);
    const wordy = {
      ...report,
      pools: report.pools.map((pool) => ({ ...pool, name: long, queues: [long] })),
      queues: report.queues.map((queue) => ({ ...queue, name: long, pool: long })),
    };
    for (const line of statusView(wordy, options).split('\n').slice(2))
      assert.ok(textWidth(line) <= 80, line);
  });
});

describe('banner', () => {
  const facts = {
    status: report,
    tasks: ['location.filter', 'eta.predict', 'location.filter'],
    next: [],
    now: 1_777_636_800_000,
    readyMs: 412.3,
    drainMs: 60_000,
    program: 'bin/supervisor',
    finder: '-c my.yaml',
  };

  it('tells who it is, what it runs, what to try next and how to stop it', () => {
    assert.equal(
      banner(facts, options),
      `
forkloop 0.1.0  eta-service  pid 4711  config/supervisor.yaml
broker  embedded  var/forkloop.db
cpu     process  2 workers            geo
io      async    2,000 slots  thread  eta mail
ready   in 412ms
tasks   eta.predict location.filter
try     bin/supervisor -c my.yaml enqueue TASK JSON --wait
        bin/supervisor -c my.yaml status -w
stop    Ctrl-C drains (1m), again stops now`.trimStart(),
    );
  });

  it('tells which schedules come next, the soonest first', () => {
    const next = [
      { schedule: 'rebuild', dueAt: facts.now + 7_200_000 },
      { schedule: 'purge', dueAt: facts.now + 290_000 },
    ];
    assert.match(banner({ ...facts, next }, options), /^next {4}purge in 4m 50s, rebuild in 2h$/m);
  });

  it('names the only task in the example', () => {
    const text = banner({ ...facts, tasks: ['echo'], finder: '' }, options);
    assert.match(text, /^try {5}bin\/supervisor enqueue echo JSON --wait$/m);
  });

  it('says so when the broker does not answer yet', () => {
    const away = { ...report, broker: { ...report.broker, up: false } };
    assert.match(banner({ ...facts, status: away }, options), /does not answer/);
  });
});

describe('numbers and paths for people', () => {
  for (const [count, text] of [
    [null, '-'],
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567, '1,234,567'],
  ] as const) {
    it(`${count} is ${text}`, () => assert.equal(formatCount(count), text));
  }

  for (const [path, text] of [
    ['/srv/app/var/x.db', 'var/x.db'],
    ['/etc/x', '/etc/x'],
    ['redis://127.0.0.1:6379/0', 'redis://127.0.0.1:6379/0'],
    ['/srv/app', '/srv/app'],
  ] as const) {
    it(`${path} is shown in /srv/app as ${text}`, () => assert.equal(shortPath(path, '/srv/app'), text));
  }
});

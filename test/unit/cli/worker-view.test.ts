import assert from 'node:assert/strict';
import pc from 'picocolors';
import { restartTable, stacksView, workerTable } from '../../../src/cli/worker-view.ts';
import type { WorkerDetailReport, WorkerStackReport } from '../../../src/control/messages/workers.ts';

const colors = pc.createColors(false);

const WORKER: WorkerDetailReport = {
  id: 'cpu/0',
  pool: 'cpu',
  slot: 0,
  kind: 'process',
  host: 'cluster',
  pid: 4711,
  state: 'busy',
  stalled: false,
  generation: 2,
  restarts: 3,
  age_seconds: 3_700,
  jobs_done: 12_345,
  jobs_running: 1,
  longest: {
    job_id: '01a2075f-3651-761b-b320-cb8eba851377',
    task: 'geo.filter',
    attempt: 1,
    running_seconds: 61.5,
  },
  rss_bytes: 50_331_648,
  cpu_percent: 99.6,
};
const NOBODY: WorkerDetailReport = {
  ...WORKER,
  id: 'cpu/1',
  pid: null,
  state: 'exited',
  generation: null,
  age_seconds: null,
  jobs_done: 0,
  jobs_running: 0,
  longest: null,
  rss_bytes: null,
  cpu_percent: null,
};

const STACK: WorkerStackReport = {
  id: 'cpu/0',
  pool: 'cpu',
  slot: 0,
  pid: 4711,
  state: 'busy',
  jobs_running: 1,
  job_id: '01a2075f-3651-761b-b320-cb8eba851377',
  task: 'geo.filter',
  stack: '    at hang (/srv/tasks/geo.js:3:9)\n    at run (/srv/tasks/geo.js:9:1)',
};

describe('workers for people', () => {
  it('are a line each, and fit a terminal of 80 columns', () => {
    const workers = [WORKER, { ...WORKER, id: 'io/0', stalled: true, jobs_running: 3 }, NOBODY];
    assert.equal(
      workerTable(workers, { colors, width: 80, wide: false }),
      [
        'WORKER   PID  STATE    TASK             FOR  MEMORY   CPU    DONE    AGE',
        'cpu/0   4711  busy     geo.filter     1m 1s  48 MiB  100%  12,345  1h 1m',
        'io/0    4711  stalled  geo.filter +2  1m 1s  48 MiB  100%  12,345  1h 1m',
        'cpu/1      -  exited   -                  -       -     -       0      -',
      ].join('\n'),
    );
  });

  it('tell more when asked', () => {
    const wide = workerTable([WORKER], { colors, width: Number.POSITIVE_INFINITY, wide: true });
    assert.match(wide, /^WORKER +HOST +PID .* JOB .* GENERATION +RESTARTS\n/);
    assert.match(wide, /cluster .* 01a2075f-3651-761b-b320-cb8eba851377 /);
  });

  it('say what became of a restart', () => {
    const done = { id: 'cpu/0', restarted: true, pid_before: 1, pid: 2, error: null };
    const failed = { ...done, id: 'cpu/1', restarted: false, pid: 1, error: 'its replacement did not start' };
    const text = restartTable([done, failed], { colors, width: 80 });
    assert.match(text, /cpu\/0 +1 +2 +replaced\ncpu\/1 +1 +1 +its replacement did not start$/);
  });

  it('show stacks line by line, say why there is none, and print nothing that a terminal obeys', () => {
    const waits = { ...STACK, id: 'io/0', jobs_running: 2, job_id: null, task: null, stack: null };
    const idle = { ...waits, id: 'io/1', state: 'ready' as const, jobs_running: 0 };
    assert.equal(
      stacksView([STACK, waits, idle], colors),
      [
        'cpu/0  pid 4711  busy  geo.filter  01a2075f-3651-761b-b320-cb8eba851377',
        '    at hang (/srv/tasks/geo.js:3:9)',
        '    at run (/srv/tasks/geo.js:9:1)',
        '',
        'io/0  pid 4711  busy  2 jobs',
        '    no JavaScript runs: it waits, or is inside native code',
        '',
        'io/1  pid 4711  ready',
        '    it waits for jobs',
      ].join('\n'),
    );
    assert(!stacksView([{ ...STACK, stack: '    at \u001b[31mred' }], colors).includes('\u001b'));
  });
});

import assert from 'node:assert/strict';
import pc from 'picocolors';
import { jobTable, jobView, relativeTime } from '../../../src/cli/job-view.ts';
import { textWidth } from '../../../src/cli/table.ts';
import type { StoredJobReport } from '../../../src/control/messages/jobs.ts';

const now = Date.parse('2026-01-02T03:05:00.000Z');
const options = { colors: pc.createColors(false), width: 120, now, wide: false };

const job: StoredJobReport = {
  schema: 'forkloop.job/1',
  id: '0198c0de-7a1b-7cc0-8000-0242ac120002',
  task: 'location.filter',
  queue: 'geo',
  state: 'ready',
  claims: 0,
  attempt: 1,
  failures: 0,
  crashes: 0,
  recoveries: 0,
  priority: 5,
  created_at: '2026-01-02T03:04:05.000Z',
  due_at: null,
  died_at: null,
  expires_at: null,
  unique: null,
  error: null,
  task_loaded: null,
  progress: null,
};
const delayed: StoredJobReport = {
  ...job,
  state: 'delayed',
  attempt: 2,
  failures: 1,
  due_at: '2026-01-02T03:05:02.000Z',
  error: { name: 'TypeError', message: 'no\nfix', stack: 'TypeError: no\nfix\n    at run (x.ts:1:1)' },
};
const running: StoredJobReport = { ...job, state: 'in_flight', progress: { done: 50, total: 200 } };

describe('jobs for people', () => {
  it('are a table with what matters most about each', () => {
    assert.deepEqual(jobTable([job, delayed, running], options).split('\n'), [
      'ID                                    TASK             STATE      AGE  TRY  NOTE',
      '0198c0de-7a1b-7cc0-8000-0242ac120002  location.filter  ready      55s    1',
      '0198c0de-7a1b-7cc0-8000-0242ac120002  location.filter  delayed    55s    2  due in 2s; TypeError: no fix',
      '0198c0de-7a1b-7cc0-8000-0242ac120002  location.filter  in_flight  55s    1  25% (50 of 200)',
    ]);
  });

  it('say why one waits, and that its process did not outlive it', () => {
    const lost = { ...delayed, task_loaded: false, crashes: 2 };
    assert.match(
      jobTable([lost], { ...options, width: 200 }),
      /no task of that name is loaded; crashed 2 times; due in 2s; TypeError: no fix/,
    );
    assert.match(
      jobView(lost, options),
      /task +location\.filter {2}\(no task of that name is loaded: the job waits for it\)/,
    );
  });

  it('fit into 80 columns without cutting ids', () => {
    const lines = jobTable([job, delayed, running], { ...options, width: 80 }).split('\n');
    for (const line of lines) assert.ok(textWidth(line) <= 80, line);
    assert.match(lines[1] ?? '', new RegExp(`^${job.id} `));
  });

  it('are shown alone with all facts that are there, the error with its stack', () => {
    assert.deepEqual(jobView({ ...delayed, unique: 'k', input: { a: 1 } }, options).split('\n'), [
      'job       0198c0de-7a1b-7cc0-8000-0242ac120002',
      'state     delayed',
      'task      location.filter',
      'queue     geo',
      'priority  5',
      'attempt   2  (1 failed)',
      'unique    k',
      'due       2026-01-02T03:05:02.000Z  in 2s',
      'created   2026-01-02T03:04:05.000Z  55s ago',
      'input     {"a":1}',
      'error',
      '  TypeError: no',
      '  fix',
      '      at run (x.ts:1:1)',
    ]);
  });

  it('are shown by their result when they are gone', () => {
    const { id, created_at } = job;
    const ended = {
      schema: 'forkloop.job/1',
      id,
      queue: 'geo',
      created_at,
      state: 'completed',
      result: [1],
    } as const;
    assert.deepEqual(jobView(ended, options).split('\n'), [
      `job       ${id}`,
      'state     completed',
      'queue     geo',
      'created   2026-01-02T03:04:05.000Z  55s ago',
      'result    [1]',
    ]);
  });

  it('tell times as seen from now', () => {
    assert.equal(relativeTime('2026-01-02T03:05:05.000Z', now), 'in 5s');
    assert.equal(relativeTime('2026-01-02T01:05:00.000Z', now), '2h ago');
  });
});

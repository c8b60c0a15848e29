import assert from 'node:assert/strict';
import { encodeJob } from '../../../src/broker/job-record.ts';
import type { StoredJob } from '../../../src/broker/messages/operator.ts';
import { endedJobReport, isoTimeOrNull, jobReport } from '../../../src/control/job-report.ts';
import { idTime } from '../../../src/control/messages/jobs.ts';

/** Made at 2025-08-19T05:47:42.491Z. */
const id = '0198c0de-7a1b-7cc0-8000-0242ac120002';
const record = encodeJob({
  id,
  task: 'geo.clean',
  priority: 3,
  keepResult: true,
  expiresAt: 1_800_000_000_000,
  unique: 'käy',
  options: {},
  input: '{"a":[1,2]}',
});
/** With 2 failures, 1 crash, 0 recoveries written into the header. */
const tried = `${record.slice(0, 44)}0020100${record.slice(51)}`;
const options = { queue: 'geo', tasks: null, progress: null, input: false };
const stored = (more: Partial<StoredJob>): StoredJob => ({
  state: 'ready',
  record,
  at: null,
  daemon: null,
  ...more,
});

describe('job report', () => {
  it('tells what the record holds', () => {
    assert.deepEqual(jobReport(stored({}), options), {
      schema: 'forkloop.job/1',
      id,
      task: 'geo.clean',
      task_loaded: null,
      queue: 'geo',
      state: 'ready',
      claims: 0,
      attempt: 1,
      failures: 0,
      crashes: 0,
      recoveries: 0,
      priority: 3,
      created_at: isoTimeOrNull(idTime(id)),
      due_at: null,
      died_at: null,
      expires_at: '2027-01-15T08:00:00.000Z',
      unique: 'käy',
      error: null,
      progress: null,
    });
  });

  it('tells whether its task is loaded, where that is known', () => {
    const told = (tasks: ReadonlyMap<string, unknown> | null) =>
      jobReport(stored({}), { ...options, tasks }).task_loaded;
    assert.deepEqual([null, new Map(), new Map([['geo.clean', {}]])].map(told), [null, false, true]);
  });

  for (const [state, attempt, due, died] of [
    ['ready', 3, null, null],
    ['delayed', 3, '2027-01-15T08:00:00.000Z', null],
    ['in_flight', 3, null, null],
    ['dead', 2, null, '2027-01-15T08:00:00.000Z'],
  ] as const) {
    it(`of a ${state} job with two failures tells attempt ${attempt}`, () => {
      const at = state === 'delayed' || state === 'dead' ? 1_800_000_000_000 : null;
      const report = jobReport(stored({ state, record: tried, at }), options);
      assert.deepEqual([report.attempt, report.failures, report.crashes], [attempt, 2, 1]);
      assert.deepEqual([report.due_at, report.died_at], [due, died]);
    });
  }

  it('carries the input only when asked for', () => {
    assert.equal('input' in jobReport(stored({}), options), false);
    assert.deepEqual(jobReport(stored({}), { ...options, input: true }).input, { a: [1, 2] });
  });

  it('carries an input that is no JSON as text', () => {
    const broken = stored({ record: `${record}}` });
    assert.equal(jobReport(broken, { ...options, input: true }).input, '{"a":[1,2]}}');
  });

  it('of a job that is gone tells its kept result', () => {
    const about = { schema: 'forkloop.job/1', id, queue: 'geo', created_at: isoTimeOrNull(idTime(id)) };
    assert.deepEqual(endedJobReport('geo', id, '{"status":"completed","result":{"n":1}}'), {
      ...about,
      state: 'completed',
      result: { n: 1 },
    });
    const error = { name: 'TypeError', message: 'x' };
    assert.deepEqual(endedJobReport('geo', id, JSON.stringify({ status: 'expired', error })), {
      ...about,
      state: 'expired',
      error,
    });
  });
});

describe('the time of a job', () => {
  it('is that of its id, where the id has one', () => {
    assert.equal(isoTimeOrNull(idTime(id)), '2025-08-19T05:47:42.491Z');
    assert.equal(idTime('0198c0de-7a1b-4cc0-8000-0242ac120002'), null);
  });

  it('is null where no calendar has it', () => {
    assert.equal(isoTimeOrNull(Number.MAX_SAFE_INTEGER), null);
    assert.equal(isoTimeOrNull(null), null);
  });
});

import assert from 'node:assert/strict';
import {
  lifetimeOf,
  type RecyclePolicy,
  type RecycleReason,
  recycleReason,
  type ServiceRecord,
} from '../../../src/pool/recycle.ts';

describe('recycleReason', () => {
  const record: ServiceRecord = { jobs: 0, ageMs: 0, rss: null };
  const TABLE: readonly [string, RecyclePolicy, Partial<ServiceRecord>, RecycleReason | null][] = [
    ['no limits', {}, { jobs: 1e9, ageMs: 1e12, rss: 1e12 }, null],
    ['one job less', { maxJobs: 100 }, { jobs: 99 }, null],
    ['enough jobs', { maxJobs: 100 }, { jobs: 100 }, 'max_jobs'],
    ['one millisecond less', { maxAge: 1_000 }, { ageMs: 999 }, null],
    ['old enough', { maxAge: 1_000 }, { ageMs: 1_000 }, 'max_age'],
    ['as much memory as allowed', { maxRss: { soft: 500 } }, { rss: 500 }, null],
    ['more memory', { maxRss: { soft: 500 } }, { rss: 501 }, 'max_rss'],
    ['memory that is not known', { maxRss: { soft: 500 } }, { rss: null }, null],
    ['the hard limit alone replaces above it', { maxRss: { hard: 500 } }, { rss: 501 }, 'max_rss'],
  ];
  for (const [what, policy, served, reason] of TABLE) {
    it(`${what}: ${reason ?? 'it stays'}`, () => {
      assert.equal(
        recycleReason(
          lifetimeOf(policy, () => 0.5),
          { ...record, ...served },
        ),
        reason,
      );
    });
  }
});

describe('lifetimeOf', () => {
  const policy = { maxJobs: 100, maxAge: 1_000, maxRss: { soft: 500, hard: 520 } };
  const TABLE: readonly [number, { jobs: number; ageMs: number; softRss: number; hardRss: number }][] = [
    [0, { jobs: 90, ageMs: 900, softRss: 450, hardRss: 520 }],
    [0.5, { jobs: 100, ageMs: 1_000, softRss: 500, hardRss: 520 }],
    [0.999_999, { jobs: 110, ageMs: 1_100, softRss: 520, hardRss: 520 }],
  ];
  for (const [chance, expected] of TABLE) {
    it(`spreads every limit but hard by a tenth (chance ${chance})`, () => {
      const { jobs, ageMs, softRss, hardRss } = lifetimeOf(policy, () => chance);
      assert.deepEqual({ jobs, ageMs: Math.round(ageMs), softRss: Math.round(softRss), hardRss }, expected);
    });
  }

  it('is one job at least', () => {
    assert.equal(lifetimeOf({ maxJobs: 1 }, () => 0).jobs, 1);
  });
});

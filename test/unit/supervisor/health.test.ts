import assert from 'node:assert/strict';
import type { PoolStatus, WorkerState } from '../../../src/pool/pool.ts';
import { type HealthFacts, liveReport, readyReport } from '../../../src/supervisor/health.ts';

const pool = (name: string, ...states: WorkerState[]): PoolStatus => ({
  name,
  kind: 'process',
  host: 'cluster',
  state: 'ok',
  queues: [name],
  workers: states.map((state, slot) => ({
    slot,
    pid: 1,
    generation: 1,
    state,
    restarts: 0,
    running: 0,
    jobs: 0,
    ageMs: 1,
    stalled: false,
    lastExit: null,
  })),
  busy: 0,
  concurrency: 1,
  generation: 1,
});

const well: HealthFacts = {
  loopAgeMs: 1_000,
  state: 'running',
  pools: [pool('cpu', 'ready', 'exited'), pool('io', 'busy'), pool('extra', 'exited')],
  requiredPools: ['cpu', 'io'],
  leases: [{ queue: 'cpu', state: 'open' }],
};

describe('health', () => {
  it('is alive and ready when all is well, whatever pools that are not required do', () => {
    assert.equal(liveReport(well).ok, true);
    assert.equal(readyReport(well).ok, true);
  });

  for (const [what, facts, live, failing] of [
    ['the loop does not go round', { loopAgeMs: 10_000 }, false, 'supervise_loop'],
    ['it starts', { state: 'starting' }, true, 'state'],
    ['it drains', { state: 'draining' }, true, 'state'],
    ['it stops', { state: 'stopping' }, true, 'state'],
    ['the broker does not answer', { leases: [{ queue: 'cpu', state: 'fenced' }] }, true, 'broker'],
    ['the broker has not answered yet', { leases: [{ queue: 'cpu', state: 'opening' }] }, true, 'broker'],
    [
      'a required pool has no worker',
      { pools: [pool('cpu', 'exited'), pool('io', 'busy')] },
      true,
      'pool cpu',
    ],
    ['its workers only start', { pools: [pool('cpu', 'starting'), pool('io', 'busy')] }, true, 'pool cpu'],
  ] as const satisfies [string, Partial<HealthFacts>, boolean, string][]) {
    it(`is not ready when ${what}, and says so`, () => {
      const report = readyReport({ ...well, ...facts });
      assert.equal(report.ok, false);
      assert.deepEqual(
        report.checks.filter(({ ok }) => !ok).map(({ name }) => name),
        [failing],
      );
      assert.equal(liveReport({ ...well, ...facts }).ok, live);
    });
  }

  it('is ready while it is quiet: its operator wants it so', () => {
    assert.equal(readyReport({ ...well, state: 'quiet' }).ok, true);
  });
});

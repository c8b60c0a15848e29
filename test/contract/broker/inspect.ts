import assert from 'node:assert/strict';
import { decodeJob } from '../../../src/broker/job-record.ts';
import { newId } from '../../../src/lib/ids.ts';
import { dead, idsOf, type World } from './world.ts';

export function describeInspect(world: () => Promise<World>): void {
  describe('stats', () => {
    it('are all zero for a queue that nobody has used', async () => {
      const w = await world();
      assert.deepEqual(await w.broker.stats('unused'), {
        queue: 'unused',
        ready: 0,
        delayed: 0,
        inFlight: 0,
        dead: 0,
        oldestReadyMs: null,
        pause: { version: 0, pausedAt: null },
        counters: {
          ...{
            enqueued: 0,
            completed: 0,
            retried: 0,
            dead: 0,
            expired: 0,
            cancelled: 0,
            refused: 0,
            reclaimed: 0,
          },
        },
      });
    });

    it('count the jobs of each state, suspects among the ready ones', async () => {
      const w = await everyState(world);
      const stats = await w.broker.stats(w.queue);
      assert.deepEqual([stats.ready, stats.delayed, stats.inFlight, stats.dead], [3, 1, 1, 1]);
      assert.equal(stats.counters.enqueued, 6);
      assert(stats.oldestReadyMs !== null && stats.oldestReadyMs >= 0);
    });
  });

  describe('list', () => {
    it('shows the jobs of each state', async () => {
      const w = await everyState(world);
      for (const [state, names, daemon] of [
        ['ready', ['high', 'low', 'suspect'], null],
        ['delayed', ['delayed'], null],
        ['in_flight', ['running'], w.daemonId],
        ['dead', ['dead'], null],
      ] as const) {
        const listed = await w.broker.list(w.queue, { state, limit: 10 });
        assert.deepEqual(listed.map((job) => decodeJob(job.record).task).toSorted(), names);
        for (const job of listed) {
          assert.deepEqual([job.state, job.daemon], [state, daemon]);
          assert.equal(typeof job.at, state === 'delayed' || state === 'dead' ? 'number' : 'object');
        }
      }
    });

    it('shows the oldest first, at most so many', async () => {
      const w = await world();
      const ids = await w.enqueue({}, {}, {});
      assert.deepEqual(idsOf(await w.broker.list(w.queue, { state: 'ready', limit: 2 })), ids.slice(0, 2));
      assert.deepEqual(await w.broker.list(w.queue, { state: 'dead', limit: 2 }), []);
    });

    it('stops where the jobs are large together', async () => {
      const w = await world();
      const input = JSON.stringify('x'.repeat(1024 * 1024));
      const ids = await w.fill(8, { input });
      const listed = idsOf(await w.broker.list(w.queue, { state: 'ready', limit: 100 }));
      assert.deepEqual(listed, ids.slice(0, 4));
      const daemon = await w.daemon();
      const claimed = [...(await daemon.claim(4)), ...(await daemon.claim(4))];
      await daemon.settle(...claimed.map(({ token }) => dead(token)));
      const latest = idsOf(await w.broker.list(w.queue, { state: 'dead', limit: 100 }));
      assert.equal(latest.length, 4);
      assert.deepEqual(idsOf(await w.broker.list(w.queue, { state: 'dead', limit: 2 })), latest.slice(0, 2));
    });

    it('shows delayed jobs by the time they are due', async () => {
      const w = await world();
      const now = await w.now();
      const ids = await w.enqueue({ delayMs: 9_000 }, { delayMs: 3_000 });
      const listed = await w.broker.list(w.queue, { state: 'delayed', limit: 5 });
      assert.deepEqual(idsOf(listed), ids.toReversed());
      assert(listed[0]!.at! >= now + 3_000 && listed[0]!.at! < now + 6_000);
    });
  });

  describe('find', () => {
    it('finds a job in every state, and none that has ended or never was', async () => {
      const w = await everyState(world);
      for (const [task, state] of [
        ['high', 'ready'],
        ['low', 'ready'],
        ['suspect', 'ready'],
        ['delayed', 'delayed'],
        ['running', 'in_flight'],
        ['dead', 'dead'],
      ] as const) {
        const found = await w.broker.find(w.queue, w.ids[task]!);
        assert.deepEqual([found?.state, found && decodeJob(found.record).task], [state, task]);
        assert.equal(found?.daemon, state === 'in_flight' ? w.daemonId : null);
        assert.equal(found?.at === null, state === 'ready' || state === 'in_flight');
      }
      assert.equal(await w.broker.find(w.queue, newId()), null);
    });

    it('finds the last of thousands', async () => {
      const w = await world();
      const ids = await w.fill(3_000);
      const found = await w.broker.find(w.queue, ids.at(-1)!);
      assert.deepEqual([found?.state, found && idsOf([found])], ['ready', [ids.at(-1)]]);
      assert.equal(await w.broker.find(w.queue, newId()), null);
    });
  });
}

/** A queue with a job in each state; each job's task says which it is. */
async function everyState(world: () => Promise<World>) {
  const w = await world();
  const ids: Record<string, string> = {};
  const enqueue = async (task: string, more: { priority?: number; delayMs?: number } = {}) => {
    [ids[task]] = (await w.enqueue({ task, ...more })) as [string];
  };
  const daemon = await w.daemon();
  await enqueue('suspect');
  for (let lost = 0; lost < 2; lost++) {
    const { token } = await daemon.claimOne();
    await daemon.settle({ type: 'retry', token, delayMs: 0, count: 'recovery', error: '' });
  }
  await enqueue('dead');
  await daemon.settle(dead((await daemon.claimOne()).token));
  await enqueue('running');
  await daemon.claimOne();
  await enqueue('low', { priority: 9 });
  await enqueue('high', { priority: 0 });
  await enqueue('delayed', { delayMs: 600_000 });
  return { broker: w.broker, queue: w.queue, ids, daemonId: daemon.id };
}

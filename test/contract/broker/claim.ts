import assert from 'node:assert/strict';
import { decodeJob, tokenOf } from '../../../src/broker/job-record.ts';
import { BATCH_BYTES_LIMIT } from '../../../src/broker/messages/batch.ts';
import { ERROR, idsOf, type World } from './world.ts';

export function describeClaim(world: () => Promise<World>): void {
  describe('claim', () => {
    it('hands out the oldest first, under a token that counts the delivery', async () => {
      const w = await world();
      const ids = await w.enqueue({}, {}, {});
      const daemon = await w.daemon();
      const first = await daemon.exchange({ want: 2 });
      assert.deepEqual(idsOf(first.jobs), ids.slice(0, 2));
      assert.deepEqual(
        first.jobs.map((job) => job.token),
        ids.slice(0, 2).map((id) => tokenOf(id, 1)),
      );
      assert.deepEqual([first.more, first.jobs.map((job) => job.alone)], [true, [false, false]]);
      const second = await daemon.exchange({ want: 2 });
      assert.deepEqual([idsOf(second.jobs), second.more], [ids.slice(2), false]);
    });

    it('hands out a lower number of priority first, and the oldest first within one', async () => {
      const w = await world();
      const order = [9, 0, 5, 0, 9, 3];
      const ids = await w.enqueue(...order.map((priority) => ({ priority })));
      const expected = [1, 3, 5, 2, 0, 4].map((index) => ids[index]);
      const daemon = await w.daemon();
      assert.deepEqual(idsOf(await daemon.claim(4)), expected.slice(0, 4));
      assert.deepEqual(idsOf(await daemon.claim(4)), expected.slice(4));
    });

    it('lets the lowest priority through within eight exchanges of a lane, however much is before it', async () => {
      const w = await world();
      const [last] = await w.enqueue({ priority: 9 });
      await w.fill(20, { priority: 0 });
      const daemon = await w.daemon();
      for (const lane of [0, 1] as const) {
        const claimed: string[] = [];
        for (let n = 0; n < 8; n++) claimed.push(...idsOf(await daemon.claim(1, { lane })));
        assert.equal(claimed.indexOf(last!) >= 1, lane === 0, 'served once, and not first');
      }
    });

    it('tells whether ready jobs are left without claiming any', async () => {
      const w = await world();
      const daemon = await w.daemon();
      assert.equal((await daemon.exchange()).more, false);
      await w.enqueue({ priority: 9 });
      const reply = await daemon.exchange();
      assert.deepEqual([reply.more, reply.jobs], [true, []]);
    });

    it('claims at most what is wanted of what is there', async () => {
      const w = await world();
      await w.fill(300);
      const daemon = await w.daemon();
      assert.equal((await daemon.claim(7)).length, 7);
      assert.equal((await daemon.claim(256)).length, 256);
      assert.equal((await daemon.claim(256)).length, 37);
    });

    it('stops after the job that passes the limit of bytes and leaves the rest in order', async () => {
      const w = await world();
      const input = JSON.stringify('x'.repeat(1024 * 1024 - 2));
      const ids = await w.enqueue({}, {}, ...Array(9).fill({ input }), {});
      const fitting = Math.ceil(BATCH_BYTES_LIMIT / (input.length + 100)) + 2;
      const daemon = await w.daemon();
      const first = await daemon.exchange({ want: 256 });
      assert.deepEqual([idsOf(first.jobs), first.more], [ids.slice(0, fitting), true]);
      const second = await daemon.exchange({ want: 256 });
      const third = await daemon.exchange({ want: 256 });
      assert.deepEqual([...idsOf(second.jobs), ...idsOf(third.jobs)], ids.slice(fitting));
    });
  });

  describe('a delayed job', () => {
    it('is claimed when it is due, not before', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [later, sooner] = await w.enqueue({ delayMs: 60_000 }, { delayMs: 20_000 });
      const before = await daemon.exchange({ want: 10 });
      assert.deepEqual([before.jobs, before.more], [[], false]);
      assert(before.nextDueMs !== null && before.nextDueMs > 10_000 && before.nextDueMs <= 20_000);
      await w.advance(20_001);
      const due = await daemon.exchange({ want: 10 });
      assert.deepEqual(idsOf(due.jobs), [sooner]);
      assert(due.nextDueMs !== null && due.nextDueMs > 30_000 && due.nextDueMs <= 40_000);
      await w.advance(40_001);
      await daemon.heartbeat();
      const last = await daemon.exchange({ want: 10 });
      assert.deepEqual([idsOf(last.jobs), last.nextDueMs], [[later], null]);
    });

    it('is made ready by a sweep in its own priority', async () => {
      const w = await world();
      const ids = await w.enqueue({ priority: 6, delayMs: 1_000 }, { priority: 2, delayMs: 2_000 });
      await w.advance(2_001);
      await w.broker.sweep(w.queue, { leaseMs: 30_000 });
      const { ready, delayed } = await w.broker.stats(w.queue);
      assert.deepEqual([ready, delayed], [2, 0]);
      assert.deepEqual(idsOf(await (await w.daemon()).claim(10)), ids.toReversed());
    });

    it('is not lost among hundreds that are due at one time', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.fill(600, { delayMs: 1_000 });
      await w.advance(1_001);
      const claimed = new Set<string>();
      for (let n = 0; n < 30 && claimed.size < 600; n++) {
        for (const id of idsOf(await daemon.claim(100))) claimed.add(id);
      }
      assert.equal(claimed.size, 600);
      assert.equal((await w.broker.stats(w.queue)).delayed, 0);
    });
  });

  describe('an expired job', () => {
    it('is dropped and named, with a result if it asked for one, and frees its unique key', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const expiresAt = (await w.now()) + 10_000;
      const [kept, silent] = await w.enqueue(
        { expiresAt, keepResult: true, unique: 'k' },
        { expiresAt, delayMs: 5_000 },
      );
      const [good] = await w.enqueue({ expiresAt: expiresAt + 60_000 });
      await w.advance(10_001);
      const reply = await daemon.exchange({ want: 1 });
      const dropped = [...reply.dropped];
      if (dropped.length < 2) dropped.push(...(await daemon.exchange({ want: 1 })).dropped);
      assert.deepEqual(idsOf(reply.jobs), [good]);
      assert.deepEqual(
        dropped.toSorted((a, b) => a.id.localeCompare(b.id)),
        [kept, silent].map((id) => ({ id, reason: 'expired' })),
      );
      const [result, none] = await w.broker.results(w.queue, [kept!, silent!]);
      assert.equal(JSON.parse(result ?? 'null')?.status, 'expired');
      assert.equal(typeof JSON.parse(result ?? 'null')?.error.message, 'string');
      assert.equal(none, null);
      const stats = await w.broker.stats(w.queue);
      assert.deepEqual([stats.counters.expired, stats.ready, stats.inFlight], [2, 0, 1]);
      await w.enqueue({ unique: 'k' });
      assert.equal((await daemon.claim(1)).length, 1);
    });

    it('does not hide the jobs behind it: more is told when only dropped ones were met', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.fill(600, { expiresAt: (await w.now()) + 5_000 });
      const [good] = await w.enqueue({});
      await w.advance(5_001);
      let dropped = 0;
      for (;;) {
        const reply = await daemon.exchange({ want: 1 });
        dropped += reply.dropped.length;
        if (reply.jobs.length > 0) {
          assert.deepEqual([idsOf(reply.jobs), dropped], [[good], 600]);
          break;
        }
        assert(reply.more && reply.dropped.length > 0);
      }
    });
  });

  describe('a suspect', () => {
    it('waits until it may run alone and is then claimed alone, before any other', async () => {
      const w = await world();
      const [id] = await w.enqueue({ priority: 9 });
      for (let lost = 0; lost < 2; lost++) {
        const victim = await w.daemon();
        assert.deepEqual(idsOf([await victim.claimOne()]), [id]);
        assert.equal(await w.reclaim(victim), 1);
      }
      const others = await w.enqueue({ priority: 0 }, { priority: 0 });
      const daemon = await w.daemon();
      const shared = await daemon.exchange({ want: 10 });
      assert.deepEqual([idsOf(shared.jobs), shared.more, shared.suspects], [others, false, true]);
      await w.enqueue({ priority: 0 });
      const alone = await daemon.exchange({ want: 10, alone: true });
      assert.deepEqual(idsOf(alone.jobs), [id]);
      assert.deepEqual([alone.jobs[0]?.alone, alone.more, alone.suspects], [true, true, false]);
      assert.equal(decodeJob(alone.jobs[0]!.record).recoveries, 2);
    });

    it('is counted a crash when its daemon is lost: it ran alone', async () => {
      const w = await world();
      await w.enqueue({});
      for (let lost = 0; lost < 4; lost++) {
        const victim = await w.daemon();
        await victim.claimOne({ alone: lost >= 2 });
        await w.reclaim(victim);
      }
      const { record } = await (await w.daemon()).claimOne({ alone: true });
      const { recoveries, crashes, claims } = decodeJob(record);
      assert.deepEqual([recoveries, crashes, claims], [2, 2, 4]);
    });

    it('stays one when it is released, crashes or counts nothing, and is none any more after a settled attempt', async () => {
      const w = await world();
      const [id] = await w.enqueue({});
      const daemon = await w.daemon();
      for (let lost = 0; lost < 2; lost++) {
        const { token } = await daemon.claimOne();
        await daemon.settle({ type: 'retry', token, delayMs: 0, count: 'recovery', error: '' });
      }
      assert.deepEqual(await daemon.claim(1), []);
      let job = await daemon.claimOne({ alone: true });
      await daemon.settle({ type: 'release', token: job.token });
      assert.deepEqual(await daemon.claim(1), []);
      job = await daemon.claimOne({ alone: true });
      await daemon.settle({ type: 'retry', token: job.token, delayMs: 1_000, count: 'crash', error: '' });
      await w.advance(1_001);
      assert.deepEqual(await daemon.claim(1), []);
      job = await daemon.claimOne({ alone: true });
      await daemon.settle({ type: 'retry', token: job.token, delayMs: 1_000, count: 'none', error: ERROR });
      await w.advance(1_001);
      assert.deepEqual(await daemon.claim(1), []);
      job = await daemon.claimOne({ alone: true });
      const { failures, recoveries, crashes, claims, error } = decodeJob(job.record);
      assert.deepEqual([failures, recoveries, crashes, claims, job.alone], [0, 2, 1, 5, true]);
      assert.deepEqual(error, JSON.parse(ERROR));
      await daemon.settle({ type: 'retry', token: job.token, delayMs: 0, count: 'failure', error: '' });
      job = await daemon.claimOne();
      assert.deepEqual([idsOf([job]), job.alone, decodeJob(job.record).recoveries], [[id], false, 0]);
    });
  });
}

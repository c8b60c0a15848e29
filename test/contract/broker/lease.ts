import assert from 'node:assert/strict';
import { decodeJob, tokenOf } from '../../../src/broker/job-record.ts';
import { Daemon, idsOf, LEASE_MS, type World } from './world.ts';

export function describeLease(world: () => Promise<World>): void {
  describe('a lease', () => {
    it('is there from open on and is renewed by heartbeats and exchanges', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const opened = (await w.lease(daemon))!.deadlineAt;
      const now = await w.now();
      assert(opened > now && opened <= now + LEASE_MS);
      await w.advance(1_000);
      assert.equal((await daemon.heartbeat()).status, 'renewed');
      const beaten = (await w.lease(daemon))!.deadlineAt;
      assert(beaten >= opened + 1_000);
      await w.advance(1_000);
      await daemon.exchange();
      assert((await w.lease(daemon))!.deadlineAt >= beaten + 1_000);
    });

    it('is renewed by an exchange that is repeated', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const request = daemon.request({ want: 0 });
      await daemon.send(request);
      const sent = (await w.lease(daemon))!.deadlineAt;
      await w.advance(1_000);
      await daemon.send(request);
      assert((await w.lease(daemon))!.deadlineAt >= sent + 1_000);
    });

    it('that has passed is renewed by its owner as long as nobody has taken it', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({});
      const { token } = await daemon.claimOne();
      await w.advance(10 * LEASE_MS);
      const beat = await daemon.heartbeat();
      assert(beat.status === 'renewed' && beat.inFlight === 1);
      await daemon.settle({ type: 'ack', token });
    });

    it('is opened again harmlessly when the first answer was lost', async () => {
      const w = await world();
      const daemon = await w.daemon();
      assert.equal(await daemon.open(), 'opened');
      await w.enqueue({});
      const { token } = await daemon.claimOne();
      await daemon.settle({ type: 'ack', token });
    });

    it('is not set back by a late copy of its opening', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({}, {});
      const { token } = await daemon.claimOne();
      await daemon.open();
      await daemon.settle({ type: 'ack', token });
      const beat = await daemon.heartbeat();
      assert(beat.status === 'renewed' && beat.inFlight === 0);
    });

    it('that lies too far ahead is brought back by a sweep', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const { queue } = w;
      await w.broker.heartbeat(queue, { daemon: daemon.id, leaseMs: 600_000 });
      const { now, leases } = await w.broker.sweep(queue, { leaseMs: LEASE_MS });
      assert.deepEqual(
        leases.map((lease) => lease.daemon),
        [daemon.id],
      );
      assert(leases[0]!.deadlineAt <= now + LEASE_MS);
    });
  });

  describe('reclaim', () => {
    it('gives the jobs of a dead daemon back to the head, in their order, recoveries counted', async () => {
      const w = await world();
      const ids = await w.enqueue({}, {}, {}, { priority: 1 }, {});
      const victim = await w.daemon();
      const first = await victim.claim(4);
      assert.equal(await w.reclaim(victim), 4);
      const jobs = await (await w.daemon()).claim(10);
      assert.deepEqual(idsOf(jobs), [ids[3], ids[0], ids[1], ids[2], ids[4]]);
      for (const job of jobs.slice(0, 4)) {
        const { claims, recoveries, failures, crashes, input } = decodeJob(job.record);
        assert.deepEqual([claims, recoveries, failures, crashes, input], [1, 1, 0, 0, '{"order":1}']);
      }
      assert.equal(jobs[0]!.token, tokenOf(ids[3]!, 2));
      assert.equal(first.length, 4);
      const stats = await w.broker.stats(w.queue);
      assert.deepEqual([stats.inFlight, stats.counters.reclaimed], [5, 4]);
    });

    it('moves thousands in order, in as many calls as it says, and counts all of them so far', async () => {
      const w = await world();
      const ids = await w.fill(2_300);
      const victim = await w.daemon();
      const taken: string[] = [];
      while (taken.length < 2_300) taken.push(...idsOf(await victim.claim(256)));
      assert.equal(await w.reclaim(victim), 2_300);
      const heir = await w.daemon();
      const claimed: string[] = [];
      while (claimed.length < 2_300) claimed.push(...idsOf(await heir.claim(255)));
      assert.deepEqual(claimed, ids);
    });

    it('refuses everything of the old owner afterwards', async () => {
      const w = await world();
      const victim = await w.daemon();
      await w.enqueue({}, {});
      const { token } = await victim.claimOne();
      await w.reclaim(victim);
      const settle = [{ type: 'ack', token }] as const;
      assert.deepEqual(await victim.heartbeat(), { status: 'lost' });
      assert.deepEqual(await victim.send(victim.request({ settle, want: 1 })), { status: 'lost' });
      assert.deepEqual(await victim.resync([9, 9]), { status: 'lost' });
      assert.equal(await victim.open(), 'refused');
      const heir = await w.daemon();
      const stale = await heir.exchange({ settle, want: 2 });
      assert.deepEqual([stale.refusedAcks, stale.jobs.length], [1, 2]);
      assert.equal((await w.broker.stats(w.queue)).counters.completed, 0);
    });

    it('leaves a lease alone that is not past', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const lease = (await w.lease(daemon))!;
      assert.deepEqual(await w.broker.reclaim(w.queue, { ...lease, proven: false }), { status: 'alive' });
      assert.equal((await daemon.heartbeat()).status, 'renewed');
    });

    it('leaves a lease alone that moved since it was looked at, proven or not', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({});
      await daemon.claimOne();
      await w.advance(LEASE_MS + 1_000);
      const lease = (await w.lease(daemon))!;
      await daemon.heartbeat();
      await w.advance(LEASE_MS + 1_000);
      for (const proven of [false, true]) {
        assert.deepEqual(await w.broker.reclaim(w.queue, { ...lease, proven }), { status: 'alive' });
      }
      const beat = await daemon.heartbeat();
      assert(beat.status === 'renewed' && beat.inFlight === 1);
    });

    it('takes a lease at once from a daemon that is proven dead', async () => {
      const w = await world();
      const victim = await w.daemon();
      await w.enqueue({});
      await victim.claimOne();
      const lease = (await w.lease(victim))!;
      const reply = await w.broker.reclaim(w.queue, { ...lease, proven: true });
      assert.deepEqual(reply, { status: 'reclaimed', moved: 1, more: false });
      assert.equal((await (await w.daemon()).claim(1)).length, 1);
    });

    it('answers the same when it is repeated after its end', async () => {
      const w = await world();
      const victim = await w.daemon();
      await w.enqueue({}, {});
      await victim.claim(2);
      const lease = (await w.lease(victim))!;
      const first = await w.broker.reclaim(w.queue, { ...lease, proven: true });
      const again = await w.broker.reclaim(w.queue, { ...lease, proven: true });
      assert.deepEqual(again, first);
      const stats = await w.broker.stats(w.queue);
      assert.deepEqual([stats.ready, stats.counters.reclaimed], [2, 2]);
      assert.equal(await w.lease(victim), undefined);
    });

    it('frees nobody else: another daemon keeps its jobs', async () => {
      const w = await world();
      const [victim, other] = [await w.daemon(), await w.daemon()];
      await w.enqueue({}, {});
      await victim.claimOne();
      const { token } = await other.claimOne();
      await w.broker.reclaim(w.queue, { ...(await w.lease(victim))!, proven: true });
      await other.settle({ type: 'ack', token });
    });
  });

  describe('closeSession', () => {
    it('ends an empty session', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.broker.closeSession(w.queue, { daemon: daemon.id });
      await w.broker.closeSession(w.queue, { daemon: daemon.id });
      assert.equal(await w.lease(daemon), undefined);
      assert.deepEqual(await daemon.heartbeat(), { status: 'lost' });
      assert.deepEqual(await daemon.send(daemon.request()), { status: 'lost' });
    });

    it('lets a late copy of open revive nothing', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.broker.closeSession(w.queue, { daemon: daemon.id });
      assert.equal(await daemon.open(), 'refused');
      assert.equal(await w.lease(daemon), undefined);
    });

    it('leaves a session with jobs in flight to its lease', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({});
      await daemon.claimOne();
      await w.broker.closeSession(w.queue, { daemon: daemon.id });
      assert(await w.lease(daemon));
      assert.equal(await w.reclaim(daemon), 1);
    });

    it('is harmless for a daemon that is not known', async () => {
      const w = await world();
      await w.broker.closeSession(w.queue, { daemon: new Daemon(w).id });
    });
  });
}

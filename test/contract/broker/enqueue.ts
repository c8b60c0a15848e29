import assert from 'node:assert/strict';
import { newId } from '../../../src/lib/ids.ts';
import { dead, entry, idsOf, retry, type World } from './world.ts';

export function describeEnqueue(world: () => Promise<World>): void {
  describe('enqueue', () => {
    it('stores a batch, and a daemon claims its jobs as they were given', async () => {
      const w = await world();
      const { broker, queue } = w;
      const jobs = [entry({}), entry({ task: 'order.bill', input: '{"a":[]}' })];
      const reply = await broker.enqueue(queue, await w.batch(jobs));
      assert.equal(reply.status, 'stored');
      assert.deepEqual(reply.existing, [null, null]);
      const claimed = await (await w.daemon()).claim(10);
      assert.deepEqual(
        claimed.map((job) => job.record),
        jobs.map((job) => job.record),
      );
    });

    it('stores a repeated batch once and answers the same', async () => {
      const w = await world();
      const { broker, queue } = w;
      const [holder] = await w.enqueue({ unique: 'held' });
      const batch = await w.batch([entry({ unique: 'held' }), entry({}), entry({ delayMs: 60_000 })]);
      const first = await broker.enqueue(queue, batch);
      const second = await broker.enqueue(queue, batch);
      assert.equal(first.status, 'stored');
      assert.deepEqual(first.existing, [holder, null, null]);
      assert.deepEqual({ ...second, now: 0 }, { ...first, now: 0 });
      const stats = await broker.stats(queue);
      assert.deepEqual([stats.ready, stats.delayed, stats.counters.enqueued], [2, 1, 3]);
    });

    it('answers a repeated batch the same after its jobs have ended and the unique key is free', async () => {
      const w = await world();
      const { broker, queue } = w;
      const daemon = await w.daemon();
      const [holder] = await w.enqueue({ unique: 'held' });
      const batch = await w.batch([entry({ unique: 'held' })]);
      await broker.enqueue(queue, batch);
      await daemon.settle({ type: 'ack', token: (await daemon.claimOne()).token });
      const again = await broker.enqueue(queue, batch);
      assert.equal(again.status, 'stored');
      assert.deepEqual(again.existing, [holder]);
      assert.deepEqual(await daemon.claim(10), []);
    });

    it('stores nothing of a batch that comes after its time', async () => {
      const w = await world();
      const { broker, queue } = w;
      const batch = await w.batch([entry({})]);
      await w.advance(36_000);
      const reply = await broker.enqueue(queue, batch);
      assert.equal(reply.status, 'late');
      assert(reply.now > batch.notAfterAt);
      assert.equal((await broker.stats(queue)).ready, 0);
      const anew = await broker.enqueue(queue, { ...batch, notAfterAt: reply.now + 35_000 });
      assert.equal(anew.status, 'stored');
    });

    it('has one effect however late a stored batch is repeated', async () => {
      const w = await world();
      const { broker, queue } = w;
      const daemon = await w.daemon();
      const batch = await w.batch([entry({})]);
      await broker.enqueue(queue, batch);
      for (const ms of [0, 20_000, 20_000, 60_000, 3_600_000]) {
        await w.advance(ms);
        await broker.enqueue(queue, batch);
        await daemon.heartbeat();
      }
      assert.equal((await daemon.claim(10)).length, 1);
    });

    it('keeps queues apart', async () => {
      const w = await world();
      const { broker, queue } = w;
      await w.enqueue({});
      await broker.enqueue('invoices', await w.batch([entry({}), entry({})]));
      assert.equal((await broker.stats(queue)).ready, 1);
      assert.equal((await broker.stats('invoices')).ready, 2);
    });
  });

  describe('a unique key', () => {
    it('is held by one job: a second one is not stored and its caller learns the first', async () => {
      const w = await world();
      const { broker, queue } = w;
      const [first] = await w.enqueue({ unique: 'order 7 é😀' });
      const reply = await broker.enqueue(queue, await w.batch([entry({ unique: 'order 7 é😀' })]));
      assert.equal(reply.status, 'stored');
      assert.deepEqual(reply.existing, [first]);
      assert.equal((await broker.stats(queue)).ready, 1);
    });

    it('is held by the first of two jobs in one batch', async () => {
      const w = await world();
      const { broker, queue } = w;
      const jobs = [entry({ unique: '__proto__' }), entry({ unique: '__proto__', delayMs: 1_000 })];
      const reply = await broker.enqueue(queue, await w.batch(jobs));
      assert.equal(reply.status, 'stored');
      assert.deepEqual(reply.existing, [null, idsOf(jobs)[0]]);
    });

    it('is kept while its job is delayed, in flight, retried, snoozed, released, taken back', async () => {
      const w = await world();
      const { broker, queue } = w;
      const [id] = await w.enqueue({ unique: 'k', delayMs: 1_000 });
      const held = async () => {
        const reply = await broker.enqueue(queue, await w.batch([entry({ unique: 'k' })]));
        assert.equal(reply.status, 'stored');
        assert.deepEqual(reply.existing, [id]);
      };
      let daemon = await w.daemon();
      await held();
      await w.advance(1_001);
      let job = await daemon.claimOne();
      await held();
      await daemon.settle(retry(job.token));
      await held();
      job = await daemon.claimOne();
      await daemon.settle({ type: 'snooze', token: job.token, delayMs: 0 });
      await held();
      job = await daemon.claimOne();
      await daemon.settle({ type: 'release', token: job.token });
      await held();
      await daemon.claimOne();
      await w.reclaim(daemon);
      await held();
      daemon = await w.daemon();
      await daemon.settle({ type: 'ack', token: (await daemon.claimOne()).token });
      assert.equal((await w.enqueue({ unique: 'k' })).length, 1);
      assert.equal((await broker.stats(queue)).ready, 1);
    });

    for (const [ending, settlement] of [
      ['an ack', (token: string) => ({ type: 'ack', token }) as const],
      [
        'an ack with a result',
        (token: string) => ({ type: 'ack', token, result: { json: '{}', ttlMs: 9_000 } }) as const,
      ],
      ['its death', dead],
    ] as const) {
      it(`is freed by ${ending}`, async () => {
        const w = await world();
        const { broker, queue } = w;
        const daemon = await w.daemon();
        await w.enqueue({ unique: 'k' }, {}, { unique: 'other' });
        const jobs = await daemon.claim(10);
        await daemon.settle(...jobs.slice(0, 2).map((job) => settlement(job.token)));
        const again = [entry({ unique: 'k' }), entry({ unique: 'other' })];
        const reply = await broker.enqueue(queue, await w.batch(again));
        assert.equal(reply.status, 'stored');
        assert.deepEqual(reply.existing, [null, idsOf(jobs)[2]]);
      });
    }

    it('is not freed by a refused settlement', async () => {
      const w = await world();
      const { broker, queue } = w;
      const [first, second] = [await w.daemon(), await w.daemon()];
      const [id] = await w.enqueue({ unique: 'k' });
      const { token } = await first.claimOne();
      const ack = await second.exchange({ settle: [{ type: 'ack', token }] });
      assert.equal(ack.refusedAcks, 1);
      const late = await first.exchange({
        settle: [{ type: 'ack', token: `${newId()}:1` }, dead(`${id}:2`)],
      });
      assert.deepEqual([late.refusedAcks, late.refused], [1, [`${id}:2`]]);
      const reply = await broker.enqueue(queue, await w.batch([entry({ unique: 'k' })]));
      assert.equal(reply.status, 'stored');
      assert.deepEqual(reply.existing, [id]);
    });
  });
}

import assert from 'node:assert/strict';
import { recordId } from '../../../src/broker/job-record.ts';
import { type FireRequest, WATERMARK_AHEAD_MS } from '../../../src/broker/messages/schedule.ts';
import { type Draft, entry, idsOf, type World } from './world.ts';

const schedule = 'purge';

/** A schedule that was seeded an hour ago. */
async function seeded(w: World) {
  const { watermark } = await w.broker.watermark(w.queue, { schedule });
  await w.advance(3_600_000);
  return { start: watermark.tick, tick: (minutes: number) => watermark.tick + minutes * 60_000 };
}

const firing = (previous: number, tick: number, draft: Draft = {}): FireRequest => ({
  schedule,
  previous,
  tick,
  record: entry(draft).record,
});

export function describeSchedules(world: () => Promise<World>): void {
  describe('a schedule', () => {
    it('starts at the time of the first look, and stays there for later ones', async () => {
      const w = await world();
      const before = await w.now();
      const first = await w.broker.watermark(w.queue, { schedule });
      assert(first.watermark.tick >= before && first.watermark.tick <= first.now);
      assert.equal(first.watermark.holder, null);
      await w.advance(60_000);
      const second = await w.broker.watermark(w.queue, { schedule });
      assert.deepEqual(second.watermark, first.watermark);
      assert(second.now >= first.now + 60_000);
      const other = await w.broker.watermark(w.queue, { schedule: 'other' });
      assert(other.watermark.tick > first.watermark.tick, 'each schedule has its own');
    });

    it('fires a tick: its job is ready, and whoever waits is woken', async () => {
      const w = await world();
      const { start, tick } = await seeded(w);
      await w.broker.wait([w.queue], AbortSignal.timeout(1));
      const woken = w.broker.wait([w.queue], AbortSignal.timeout(10_000));
      const request = firing(start, tick(5), { priority: 2, input: '{"full":[]}' });
      const reply = await w.broker.fire(w.queue, request);
      assert.deepEqual(reply.watermark, { tick: tick(5), holder: null });
      assert.deepEqual(await woken, [w.queue]);
      assert.equal((await w.broker.stats(w.queue)).counters.enqueued, 1);
      const job = await (await w.daemon()).claimOne();
      assert.equal(job.record, request.record);
    });

    it('answers a repeated tick the same and stores its job once', async () => {
      const w = await world();
      const { start, tick } = await seeded(w);
      const request = firing(start, tick(5));
      const first = await w.broker.fire(w.queue, request);
      const second = await w.broker.fire(w.queue, request);
      assert.deepEqual(second.watermark, first.watermark);
      assert.equal((await (await w.daemon()).claim(10)).length, 1);
      assert.deepEqual((await w.broker.fire(w.queue, request)).watermark, first.watermark);
      assert.equal((await w.broker.stats(w.queue)).counters.enqueued, 1);
    });

    it('fires each tick once when two daemons race', async () => {
      const w = await world();
      const { start, tick } = await seeded(w);
      for (let minute = 0; minute < 20; minute++) {
        const [previous, next] = [minute === 0 ? start : tick(minute), tick(minute + 1)];
        const replies = await Promise.all(
          [1, 2].map(() => w.broker.fire(w.queue, firing(previous, next, { unique: null }))),
        );
        for (const { watermark } of replies) assert.deepEqual(watermark, { tick: next, holder: null });
      }
      assert.equal((await (await w.daemon()).claim(100)).length, 20);
    });

    it('fires nothing for a daemon that is behind, ahead, or has lost the thread', async () => {
      const w = await world();
      const { start, tick } = await seeded(w);
      await w.broker.fire(w.queue, firing(start, tick(5)));
      for (const request of [
        firing(start, tick(10)), // behind: another tick was fired since
        firing(tick(10), tick(15)), // it remembers a tick that the broker has lost
        firing(tick(5), tick(5)), // no later than the previous
        firing(tick(5), tick(4)),
      ]) {
        const reply = await w.broker.fire(w.queue, request);
        assert.deepEqual(reply.watermark, { tick: tick(5), holder: null });
      }
      assert.equal((await w.broker.stats(w.queue)).ready, 1);
    });

    it("fires no tick that is still to come on the broker's clock", async () => {
      const w = await world();
      const { start, tick } = await seeded(w);
      const reply = await w.broker.fire(w.queue, firing(start, tick(61)));
      assert.deepEqual(reply.watermark, { tick: start, holder: null });
      assert.equal((await w.broker.stats(w.queue)).ready, 0);
      await w.advance(60_000);
      assert.equal((await w.broker.fire(w.queue, firing(start, tick(61)))).watermark?.tick, tick(61));
    });

    it('says so when it is not known: nothing is fired until somebody looked', async () => {
      const w = await world();
      const now = await w.now();
      const reply = await w.broker.fire(w.queue, firing(now - 60_000, now - 1));
      assert.equal(reply.watermark, null);
      assert(reply.now >= now);
      assert.equal((await w.broker.stats(w.queue)).ready, 0);
    });

    it("that lies far ahead of the broker's clock starts over from now; a little ahead it waits", async () => {
      const w = await world();
      const { start, tick } = await seeded(w);
      await w.broker.fire(w.queue, firing(start, tick(60)));
      await w.advance(-WATERMARK_AHEAD_MS + 60_000);
      assert.equal((await w.broker.watermark(w.queue, { schedule })).watermark.tick, tick(60));
      await w.advance(-120_000);
      const { watermark, now } = await w.broker.watermark(w.queue, { schedule });
      assert(watermark.tick < start && watermark.tick <= now && watermark.tick > now - 1_000);
    });

    it('stores no job while the unique key is held, and tells by whom, also to a repeat', async () => {
      const w = await world();
      const { start, tick } = await seeded(w);
      const first = firing(start, tick(5), { unique: 'schedule:purge é' });
      await w.broker.fire(w.queue, first);
      const second = firing(tick(5), tick(10), { unique: 'schedule:purge é' });
      const held = { tick: tick(10), holder: recordId(first.record) };
      assert.deepEqual((await w.broker.fire(w.queue, second)).watermark, held);
      assert.deepEqual((await w.broker.fire(w.queue, second)).watermark, held);
      assert.deepEqual((await w.broker.watermark(w.queue, { schedule })).watermark, held);
      const daemon = await w.daemon();
      await daemon.settle({ type: 'ack', token: (await daemon.claimOne()).token });
      const third = firing(tick(10), tick(15), { unique: 'schedule:purge é' });
      assert.deepEqual((await w.broker.fire(w.queue, third)).watermark, { tick: tick(15), holder: null });
      assert.deepEqual(idsOf(await daemon.claim(10)), [recordId(third.record)]);
    });

    it('is kept apart from that of the same name on another queue', async () => {
      const w = await world();
      const { start, tick } = await seeded(w);
      await w.broker.fire(w.queue, firing(start, tick(5)));
      const { watermark } = await w.broker.watermark('invoices', { schedule });
      assert(watermark.tick > tick(5));
    });
  });
}

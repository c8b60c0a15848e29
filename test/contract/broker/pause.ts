import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PauseRequest, QueuePause } from '../../../src/broker/messages/operator.ts';
import { entry, idsOf, LEASE_MS, retry, type World } from './world.ts';

const NEVER: QueuePause = { version: 0, pausedAt: null };

const pause = (w: World, version = 1) => w.broker.setPaused(w.queue, { paused: true, version });
const resume = (w: World, version = 2) => w.broker.setPaused(w.queue, { paused: false, version });
const paused = async (w: World): Promise<QueuePause> => (await w.broker.stats(w.queue)).pause;

export function describePause(world: () => Promise<World>): void {
  describe('a paused queue', () => {
    it('says since when, and a repeat says the same', async () => {
      const w = await world();
      assert.deepEqual(await paused(w), NEVER);
      const before = await w.now();
      const first = await pause(w);
      assert.equal(first.version, 1);
      assert(first.pausedAt !== null && first.pausedAt >= before && first.pausedAt <= (await w.now()));
      await w.advance(5_000);
      assert.deepEqual(await pause(w), first);
      assert.deepEqual(await paused(w), first);
      assert.deepEqual(await pause(w, 2), { ...first, version: 2 }, 'paused already: since the same time');
    });

    it('is claimed from by nobody, and again in order once it is resumed', async () => {
      const w = await world();
      const ids = await w.enqueue({}, {}, {});
      const daemon = await w.daemon();
      const [running] = await daemon.claim(1);
      await pause(w);
      for (const number of [2, 3, 4, 5, 6, 7, 8]) {
        const reply = await daemon.exchange({ want: 10, alone: number % 2 === 0 });
        assert.deepEqual([reply.jobs, reply.more, reply.suspects, reply.nextDueMs], [[], false, false, null]);
      }
      await daemon.settle({ type: 'ack', token: running!.token });
      await resume(w);
      assert.deepEqual(idsOf(await daemon.claim(10)), ids.slice(1));
    });

    it('makes nothing due, by no exchange and by no sweep, until it is resumed', async () => {
      const w = await world();
      const [id] = await w.enqueue({ delayMs: 1_000 });
      const daemon = await w.daemon();
      await pause(w);
      await w.advance(2_000);
      assert.equal((await daemon.exchange({ want: 1 })).nextDueMs, null);
      await w.broker.sweep(w.queue, { leaseMs: LEASE_MS });
      const { ready, delayed } = await w.broker.stats(w.queue);
      assert.deepEqual([ready, delayed], [0, 1]);
      await resume(w);
      assert.deepEqual(idsOf([await daemon.claimOne()]), [id]);
    });

    it('settles what runs, whatever its end', async () => {
      const w = await world();
      await w.fill(6);
      const daemon = await w.daemon();
      const [a, b, c, d, e, f] = (await daemon.claim(6)).map(({ token }) => token);
      await pause(w);
      const error = '{}';
      const reply = await daemon.exchange({
        settle: [
          { type: 'ack', token: a! },
          { type: 'ack', token: b!, result: { json: '{}', ttlMs: 60_000 } },
          retry(c!, 1_000),
          { type: 'retry', token: d!, delayMs: 0, count: 'recovery', error },
          { type: 'release', token: e! },
          { type: 'dead', token: f!, count: 'failure', error },
        ],
        want: 6,
      });
      assert.deepEqual([reply.refused, reply.refusedAcks, reply.jobs], [[], 0, []]);
      const { ready, delayed, inFlight, dead, counters } = await w.broker.stats(w.queue);
      assert.deepEqual([ready, delayed, inFlight, dead, counters.completed], [2, 1, 0, 1, 2]);
    });

    it('answers a repeated exchange with the jobs that it gave before, and with nothing more to claim', async () => {
      const w = await world();
      const ids = await w.enqueue({}, {}, { delayMs: 5_000 });
      const daemon = await w.daemon();
      const request = daemon.request({ want: 1 });
      const first = await daemon.send(request);
      assert(first.status === 'done' && first.more && first.nextDueMs !== null);
      await pause(w);
      const again = await daemon.send(request);
      assert(again.status === 'done');
      assert.deepEqual(idsOf(again.jobs), ids.slice(0, 1));
      assert.deepEqual([again.more, again.suspects, again.nextDueMs], [false, false, null]);
    });

    it('answers a repeated exchange with what it dropped before', async () => {
      const w = await world();
      const ids = await w.enqueue({ expiresAt: (await w.now()) + 1_000 });
      await w.advance(2_000);
      const daemon = await w.daemon();
      const request = daemon.request({ want: 1 });
      const first = await daemon.send(request);
      await pause(w);
      const again = await daemon.send(request);
      assert(first.status === 'done' && again.status === 'done');
      assert.deepEqual(first.dropped, [{ id: ids[0], reason: 'expired' }]);
      assert.deepEqual(again.dropped, first.dropped);
    });

    it('takes new jobs and those of schedules, and wakes nobody for them', async () => {
      const w = await world();
      const { watermark } = await w.broker.watermark(w.queue, { schedule: 's' });
      await w.advance(60_000);
      const victim = await w.daemon();
      await w.enqueue({});
      await victim.claimOne();
      await w.broker.wait([w.queue], AbortSignal.timeout(10_000));
      await pause(w);
      const waiting = w.broker.wait([w.queue, 'other'], AbortSignal.timeout(10_000));
      await w.enqueue({}, {});
      const fire = { schedule: 's', previous: watermark.tick, tick: watermark.tick + 1_000 };
      await w.broker.fire(w.queue, { ...fire, record: entry({}).record });
      assert.equal(await w.reclaim(victim), 1);
      assert.equal((await w.broker.stats(w.queue)).ready, 4);
      await w.broker.enqueue('other', await w.batch([entry({})]));
      assert.deepEqual(await waiting, ['other']);
    });

    it('wakes who waits when it is resumed', async () => {
      const w = await world();
      await pause(w);
      await w.enqueue({});
      const waiting = w.broker.wait([w.queue], AbortSignal.timeout(10_000));
      await resume(w);
      assert.deepEqual(await waiting, [w.queue]);
      await (await w.daemon()).claimOne();
    });

    it('is not stopped for good by a pause that comes late, nor opened by a late resume', async () => {
      const w = await world();
      await pause(w, 1);
      const open = await resume(w, 2);
      assert.deepEqual(open, { version: 2, pausedAt: null });
      assert.deepEqual(await pause(w, 1), open);
      assert.deepEqual(await pause(w, 2), open);
      const shut = await pause(w, 3);
      assert.deepEqual(await resume(w, 2), shut);
      assert.deepEqual(await paused(w), shut);
    });

    it('is paused alone', async () => {
      const w = await world();
      await pause(w);
      assert.deepEqual((await w.broker.stats('other')).pause, NEVER);
    });

    it('stands as the highest version that came first, whatever comes twice, late or out of order', async () => {
      const w = await world();
      let n = 0;
      const request = fc.record({ paused: fc.boolean(), version: fc.integer({ min: 0, max: 6 }) });
      await fc.assert(
        fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests: PauseRequest[]) => {
          const queue = `queue-${++n}`;
          let model = { version: 0, paused: false };
          for (const each of requests) {
            if (each.version > model.version) model = { version: each.version, paused: each.paused };
            const { version, pausedAt } = await w.broker.setPaused(queue, each);
            assert.deepEqual({ version, paused: pausedAt !== null }, model);
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}

import assert from 'node:assert/strict';
import { Daemon, dead, ERROR, entry, idsOf, retry, type World } from './world.ts';

export function describeExchange(world: () => Promise<World>): void {
  describe('exchange', () => {
    it('has one effect when it is repeated, and answers the same', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const expiresAt = (await w.now()) + 5_000;
      await w.enqueue({}, {}, {}, {});
      const [a, b, c, d] = await daemon.claim(4);
      await w.enqueue({ expiresAt }, {}, {});
      await w.advance(5_001);
      const request = daemon.request({
        settle: [
          { type: 'ack', token: a!.token },
          { type: 'ack', token: `${a!.token}9` },
          retry(b!.token, 60_000),
          dead(c!.token),
          dead(`${c!.token}9`),
          { type: 'snooze', token: d!.token, delayMs: 60_000 },
        ],
        want: 10,
      });
      const first = await daemon.send(request);
      const stats = await w.broker.stats(w.queue);
      const second = await daemon.send(request);
      assert.equal(first.status, 'done');
      assert.equal(second.status, 'done');
      assert.deepEqual([first.jobs.length, first.dropped.length, first.refused.length], [2, 1, 1]);
      const { jobs, refused, refusedAcks, dropped, more } = first;
      assert.deepEqual(
        [second.jobs, second.refused, second.refusedAcks, second.dropped, second.more],
        [jobs, refused, refusedAcks, dropped, more],
      );
      assert.deepEqual(
        { ...(await w.broker.stats(w.queue)), oldestReadyMs: 0 },
        { ...stats, oldestReadyMs: 0 },
      );
    });

    it('answers a repeat with what is still in flight here, by whichever lane it left', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({}, {}, {});
      const request = daemon.request({ want: 3 });
      const first = await daemon.send(request);
      assert.equal(first.status, 'done');
      await daemon.exchange({ lane: 1, settle: [{ type: 'ack', token: first.jobs[1]!.token }] });
      const again = await daemon.send(request);
      assert.equal(again.status, 'done');
      assert.deepEqual(again.jobs, [first.jobs[0], first.jobs[2]]);
    });

    it('answers a repeat with a suspect alone as the first time', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({});
      for (let lost = 0; lost < 2; lost++) {
        const { token } = await daemon.claimOne();
        await daemon.settle({ type: 'retry', token, delayMs: 0, count: 'recovery', error: ERROR });
      }
      const request = daemon.request({ want: 5, alone: true });
      const first = await daemon.send(request);
      const again = await daemon.send(request);
      assert(first.status === 'done' && again.status === 'done');
      assert.deepEqual([again.jobs, again.jobs[0]?.alone], [first.jobs, true]);
    });

    it('answers stale, without effect, to a number that is over', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({}, {});
      const old = daemon.request({ want: 1 });
      const first = await daemon.send(old);
      assert.equal(first.status, 'done');
      await daemon.exchange();
      assert.deepEqual(await daemon.send(old), { status: 'stale' });
      const settle = [{ type: 'ack', token: first.jobs[0]!.token }] as const;
      assert.deepEqual(await daemon.send({ ...old, settle }), { status: 'stale' });
      const stats = await w.broker.stats(w.queue);
      assert.deepEqual([stats.ready, stats.inFlight, stats.counters.completed], [1, 1, 0]);
    });

    it('counts each lane for itself: a batch settles on one while the other fetches', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.fill(6);
      const zero = daemon.request({ lane: 0, want: 2 });
      const first = await daemon.send(zero);
      const one = await daemon.claim(2, { lane: 1 });
      const three = await daemon.claim(2, { lane: 1 });
      assert.equal(new Set([...one, ...three].map((job) => job.token)).size, 4);
      const again = await daemon.send(zero);
      assert(first.status === 'done' && again.status === 'done');
      assert.deepEqual(again.jobs, first.jobs);
      await daemon.exchange({ lane: 0, settle: one.map(({ token }) => ({ type: 'ack', token })) });
      assert.equal((await w.broker.stats(w.queue)).counters.completed, 2);
    });

    it('answers gap, without effect, to a number that skips one', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({}, {});
      const [job] = await daemon.claim(1);
      const settle = [{ type: 'ack', token: job!.token }] as const;
      daemon.numbers[0] = 4;
      assert.deepEqual(await daemon.send(daemon.request({ want: 1, settle })), { status: 'gap', last: 1 });
      const stats = await w.broker.stats(w.queue);
      assert.deepEqual([stats.ready, stats.inFlight, stats.counters.completed], [1, 1, 0]);
    });

    it('ends every job of 1,000 exactly once, with two daemons on two lanes each', async () => {
      const w = await world();
      const ids = await w.fill(1_000);
      const claimed: string[] = [];
      const run = async (daemon: Awaited<ReturnType<World['daemon']>>, lane: 0 | 1) => {
        let settle: { type: 'ack'; token: string }[] = [];
        do {
          const reply = await daemon.exchange({ lane, settle, want: 17 });
          assert.equal(reply.refusedAcks, 0);
          claimed.push(...idsOf(reply.jobs));
          settle = reply.jobs.map(({ token }) => ({ type: 'ack', token }));
        } while (settle.length > 0);
      };
      const daemons = [await w.daemon(), await w.daemon()];
      await Promise.all(daemons.flatMap((daemon) => [run(daemon, 0), run(daemon, 1)]));
      assert.equal(claimed.length, 1_000);
      assert.deepEqual(new Set(claimed), new Set(ids));
      const stats = await w.broker.stats(w.queue);
      assert.deepEqual([stats.ready, stats.inFlight, stats.counters.completed], [0, 0, 1_000]);
    });
  });

  describe('resync', () => {
    it('lists what is in flight and raises the numbers, so that the next exchange is accepted', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({}, {}, {});
      const jobs = await daemon.claim(2);
      daemon.numbers[0] = 6;
      assert.equal((await daemon.send(daemon.request())).status, 'gap');
      const reply = await daemon.resync(daemon.numbers);
      assert.equal(reply.status, 'synced');
      assert.deepEqual(reply.tokens.toSorted(), jobs.map((job) => job.token).toSorted());
      await daemon.settle({ type: 'ack', token: jobs[0]!.token });
      assert.equal((await w.broker.stats(w.queue)).inFlight, 1);
    });

    it('voids a stored answer only where it raises the number', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({}, {});
      await daemon.claim(1);
      const kept = daemon.request({ lane: 1, want: 1 });
      const first = await daemon.send(kept);
      daemon.numbers[0] = 3;
      await daemon.resync(daemon.numbers);
      const voided = await daemon.send({ ...kept, lane: 0, number: 3 });
      assert.equal(voided.status, 'stale');
      const again = await daemon.send(kept);
      assert(first.status === 'done' && again.status === 'done');
      assert.deepEqual([again.jobs, again.jobs.length], [first.jobs, 1]);
    });

    it('has the same answer when repeated, and never lowers a number', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({});
      await daemon.claim(1);
      const first = await daemon.resync([7, 4]);
      const again = await daemon.resync([2, 1]);
      assert(first.status === 'synced' && again.status === 'synced');
      assert.deepEqual(again.tokens, first.tokens);
      assert.deepEqual(await daemon.send({ ...daemon.request(), number: 10 }), { status: 'gap', last: 7 });
    });
  });

  describe('a queue whose data is gone', () => {
    it('answers lost to a daemon that it does not know', async () => {
      const w = await world();
      const stranger = new Daemon(w);
      await w.broker.enqueue(w.queue, await w.batch([entry({})]));
      assert.deepEqual(await stranger.heartbeat(), { status: 'lost' });
      assert.deepEqual(await stranger.send(stranger.request({ want: 1 })), { status: 'lost' });
      assert.deepEqual(await stranger.resync([1, 0]), { status: 'lost' });
      assert.equal((await w.broker.stats(w.queue)).ready, 1);
    });
  });
}

import assert from 'node:assert/strict';
import { decodeJob, tokenOf } from '../../../src/broker/job-record.ts';
import type { Settlement } from '../../../src/broker/messages/exchange.ts';
import { dead, ERROR, idsOf, KEEP_DEAD, retry, type World } from './world.ts';

export function describeSettle(world: () => Promise<World>): void {
  describe('settle', () => {
    it('ends an acknowledged job and counts it', async () => {
      const w = await world();
      await w.enqueue({}, {});
      const daemon = await w.daemon();
      const jobs = await daemon.claim(2);
      await daemon.settle(...jobs.map((job) => ({ type: 'ack', token: job.token }) as const));
      const stats = await w.broker.stats(w.queue);
      assert.deepEqual([stats.ready, stats.inFlight, stats.counters.completed], [0, 0, 2]);
    });

    for (const delayMs of [0.4, 1_500.75, 1e19, Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
      it(`puts a job back for ${delayMs} ms: what is settled with it, and after it, is settled`, async () => {
        const w = await world();
        await w.enqueue({}, {}, {});
        const daemon = await w.daemon();
        const [a, b, c] = await daemon.claim(3);
        await daemon.settle(
          { type: 'snooze', token: a!.token, delayMs },
          { type: 'retry', token: b!.token, delayMs, count: 'failure', error: ERROR },
        );
        await daemon.settle({ type: 'ack', token: c!.token });
        const { ready, delayed, inFlight, counters } = await w.broker.stats(w.queue);
        assert.deepEqual([ready + delayed, inFlight, counters.completed], [2, 0, 1]);
        await w.advance(2_000);
        assert.equal((await daemon.exchange({ want: 3 })).jobs.length, delayMs < 2_000 ? 2 : 0);
      });
    }

    it('keeps a result until its time is over', async () => {
      const w = await world();
      await w.enqueue({}, {}, {});
      const daemon = await w.daemon();
      const [a, b, c] = await daemon.claim(3);
      const json = '{"status":"completed","result":{"text":"é😀"}}';
      const died = '{"status":"dead","error":{"name":"Error","message":"it failed"}}';
      await daemon.settle(
        { type: 'ack', token: a!.token, result: { json, ttlMs: 20_000 } },
        { type: 'ack', token: b!.token },
        {
          type: 'dead',
          token: c!.token,
          count: 'none',
          error: ERROR,
          result: { json: died, ttlMs: 60_000 },
        },
      );
      const ids = idsOf([a!, b!, c!]);
      assert.deepEqual(await w.broker.results(w.queue, ids), [json, null, died]);
      await w.advance(21_000);
      assert.deepEqual(await w.broker.results(w.queue, ids), [null, null, died]);
      assert.deepEqual(await w.broker.results(w.queue, []), []);
    });

    it('keeps large results, which are all found by asking again for what was left out', async () => {
      const w = await world();
      const json = JSON.stringify('é'.repeat(512 * 1024));
      const daemon = await w.daemon();
      const missing = new Set(await w.enqueue(...Array(12).fill({})));
      for (const { token } of await daemon.claim(12))
        await daemon.settle({ type: 'ack', token, result: { json, ttlMs: 60_000 } });
      for (let calls = 0; missing.size > 0 && calls < 12; calls++) {
        const ids = [...missing];
        const results = await w.broker.results(w.queue, ids);
        ids.forEach((id, index) => {
          if (results[index] === json) missing.delete(id);
        });
      }
      assert.equal(missing.size, 0);
    });

    /** What each settlement that gives a job back writes into its header, from claims 0 and all counters 0. */
    const headers: readonly [string, (token: string) => Settlement, Partial<ReturnType<typeof decodeJob>>][] =
      [
        ['a failure', (token) => retry(token), { claims: 1, failures: 1, error: JSON.parse(ERROR) }],
        [
          'a crash',
          (token) => ({ type: 'retry', token, delayMs: 0, count: 'crash', error: ERROR }),
          { claims: 1, crashes: 1, error: JSON.parse(ERROR) },
        ],
        [
          'a recovery',
          (token) => ({ type: 'retry', token, delayMs: 0, count: 'recovery', error: ERROR }),
          { claims: 1, recoveries: 1, error: JSON.parse(ERROR) },
        ],
        ['a snooze', (token) => ({ type: 'snooze', token, delayMs: 0 }), { claims: 1 }],
        ['a release', (token) => ({ type: 'release', token }), { claims: 1 }],
      ];
    for (const [name, settlement, changed] of headers) {
      it(`gives a job back after ${name} with its counters, its input untouched`, async () => {
        const w = await world();
        const draft = {
          unique: 'k',
          options: { headers: { a: 'é' } },
          input: '{"big":12345678901234567890,"e":[]}',
        };
        await w.enqueue(draft);
        const daemon = await w.daemon();
        const before = await daemon.claimOne();
        await daemon.settle(settlement(before.token));
        const after = await daemon.claimOne();
        assert.deepEqual(decodeJob(after.record), { ...decodeJob(before.record), ...changed });
        assert.equal(after.token, tokenOf(idsOf([before])[0]!, 2));
      });
    }

    it('sets recoveries back to 0 by a failure or a snooze, and replaces an error by the later one', async () => {
      const w = await world();
      await w.enqueue({});
      const daemon = await w.daemon();
      const long = `{"name":"Error","message":"${'x'.repeat(5_000)}"}`;
      const steps: readonly [(token: string) => Settlement, number, unknown][] = [
        [(token) => ({ type: 'retry', token, delayMs: 0, count: 'recovery', error: long }), 1, long],
        [(token) => retry(token), 0, ERROR],
        [(token) => ({ type: 'retry', token, delayMs: 0, count: 'recovery', error: '' }), 1, null],
        [(token) => ({ type: 'snooze', token, delayMs: 0 }), 0, null],
      ];
      let job = await daemon.claimOne();
      for (const [settlement, recoveries, error] of steps) {
        await daemon.settle(settlement(job.token));
        job = await daemon.claimOne();
        const stored = decodeJob(job.record);
        assert.equal(stored.recoveries, recoveries);
        assert.deepEqual(stored.error, typeof error === 'string' ? JSON.parse(error) : error);
      }
      assert.equal(decodeJob(job.record).input, '{"order":1}');
    });

    it('holds a counter at the largest number that fits', async () => {
      const w = await world();
      await w.enqueue({});
      const daemon = await w.daemon();
      for (let n = 0; n < 101; n++) {
        const { token } = await daemon.claimOne();
        await daemon.settle({ type: 'retry', token, delayMs: 0, count: 'crash', error: ERROR });
      }
      const job = decodeJob((await daemon.claimOne()).record);
      assert.deepEqual([job.claims, job.crashes, job.input], [101, 99, '{"order":1}']);
    });

    it('delays a retry and a snooze by what they say, from now', async () => {
      const w = await world();
      const ids = await w.enqueue({}, {});
      const daemon = await w.daemon();
      const [a, b] = await daemon.claim(2);
      await daemon.settle(retry(a!.token, 10_000), { type: 'snooze', token: b!.token, delayMs: 25_000 });
      assert.deepEqual(await daemon.claim(10), []);
      await w.advance(10_001);
      assert.deepEqual(idsOf(await daemon.claim(10)), [ids[0]]);
      await w.advance(15_000);
      assert.deepEqual(idsOf(await daemon.claim(10)), [ids[1]]);
      assert.equal((await w.broker.stats(w.queue)).counters.retried, 1);
    });

    it('puts released jobs back at the head of their line, in their order', async () => {
      const w = await world();
      const ids = await w.enqueue({}, {}, {}, {}, { priority: 1 });
      const daemon = await w.daemon();
      const jobs = await daemon.claim(3);
      await daemon.settle(...jobs.map(({ token }) => ({ type: 'release', token }) as const));
      assert.deepEqual(idsOf(await daemon.claim(10)), [ids[4], ...ids.slice(0, 4)]);
    });

    it('puts a retry without delay at the end of its line', async () => {
      const w = await world();
      const ids = await w.enqueue({}, {});
      const daemon = await w.daemon();
      await daemon.settle(retry((await daemon.claimOne()).token));
      assert.deepEqual(idsOf(await daemon.claim(10)), ids.toReversed());
    });

    it('keeps a dead job with its last error and counts', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const ids = await w.enqueue({}, {}, {}, {});
      const counts = ['failure', 'crash', 'recovery', 'none'] as const;
      const jobs = await daemon.claim(4);
      await daemon.settle(
        ...jobs.map(({ token }, n) => ({ type: 'dead', token, count: counts[n]!, error: ERROR }) as const),
      );
      const listed = await w.broker.list(w.queue, { state: 'dead', limit: 10 });
      const stored = new Map(listed.map((job) => [idsOf([job])[0], decodeJob(job.record)]));
      const counters = ids.map((id) => {
        const job = stored.get(id)!;
        assert.deepEqual([job.claims, job.error], [1, JSON.parse(ERROR)]);
        return [job.failures, job.crashes, job.recoveries];
      });
      assert.deepEqual(counters, [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 0, 0],
      ]);
      assert.equal((await w.broker.stats(w.queue)).counters.dead, 4);
    });

    it('bounds the dead set by count and by age', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const ids = await w.enqueue({}, {}, {}, {});
      const die = async (keepDead: { count: number; ageMs: number }) => {
        const { token } = await daemon.claimOne();
        await daemon.exchange({ settle: [dead(token)], keepDead });
        await w.advance(2_000);
      };
      const deadIds = async () => idsOf(await w.broker.list(w.queue, { state: 'dead', limit: 10 }));
      await die(KEEP_DEAD);
      await die(KEEP_DEAD);
      await die({ count: 2, ageMs: 60_000 });
      assert.deepEqual(await deadIds(), [ids[2], ids[1]]);
      await die({ count: 10, ageMs: 3_000 });
      assert.deepEqual(await deadIds(), [ids[3], ids[2]]);
    });

    it('refuses what is not in flight here, names it (plain acks: counts it), and applies the rest', async () => {
      const w = await world();
      const [daemon, stranger] = [await w.daemon(), await w.daemon()];
      await w.enqueue({}, {}, {});
      const [a, b, c] = await daemon.claim(3);
      const settled = await stranger.exchange({
        settle: [{ type: 'ack', token: a!.token }, retry(b!.token), dead(c!.token)],
      });
      assert.deepEqual([settled.refusedAcks, settled.refused], [1, [b!.token, c!.token]]);
      const ids = idsOf([a!, b!, c!]);
      const result = { json: '{}', ttlMs: 1_000 };
      const mixed = await daemon.exchange({
        settle: [
          { type: 'ack', token: a!.token },
          { type: 'ack', token: tokenOf(ids[1]!, 2) },
          { type: 'ack', token: tokenOf(ids[1]!, 3), result },
          { type: 'release', token: tokenOf(ids[2]!, 7) },
          { type: 'snooze', token: tokenOf(ids[2]!, 8), delayMs: 0 },
          retry(b!.token, 60_000),
        ],
      });
      assert.equal(mixed.refusedAcks, 1);
      assert.deepEqual(mixed.refused, [tokenOf(ids[1]!, 3), tokenOf(ids[2]!, 7), tokenOf(ids[2]!, 8)]);
      assert.deepEqual(await w.broker.results(w.queue, ids), [null, null, null]);
      const stats = await w.broker.stats(w.queue);
      assert.deepEqual(
        [stats.inFlight, stats.delayed, stats.counters.completed, stats.counters.refused],
        [1, 1, 1, 7],
      );
    });

    it('accepts one of two settlements of a delivery in one exchange', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({ unique: 'k' });
      const { token } = await daemon.claimOne();
      const reply = await daemon.exchange({ settle: [retry(token, 60_000), dead(token)] });
      assert.deepEqual(reply.refused, [token]);
      const stats = await w.broker.stats(w.queue);
      assert.deepEqual([stats.delayed, stats.dead, stats.counters.refused], [1, 0, 1]);
    });
  });
}

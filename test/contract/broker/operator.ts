import assert from 'node:assert/strict';
import { decodeJob, recordClaims } from '../../../src/broker/job-record.ts';
import type { JobTarget, PurgeState } from '../../../src/broker/messages/operator.ts';
import { newId } from '../../../src/lib/ids.ts';
import { type Daemon, dead, ERROR, entry, idsOf, retry, type World } from './world.ts';

const TTL_MS = 60_000;

/** A job as it is seen now. */
async function seen(w: World, id: string | undefined): Promise<JobTarget> {
  const found = await w.broker.find(w.queue, id ?? '');
  assert(found, `${id} is not stored`);
  return { id: id ?? '', claims: recordClaims(found.record) };
}

const remove = (w: World, target: JobTarget) => w.broker.delete(w.queue, { ...target, resultTtlMs: TTL_MS });

async function counts(w: World): Promise<number[]> {
  const { ready, delayed, inFlight, dead } = await w.broker.stats(w.queue);
  return [ready, delayed, inFlight, dead];
}

/** Claims the next job and lets it end dead. */
async function kill(daemon: Daemon): Promise<void> {
  await daemon.settle(dead((await daemon.claimOne()).token));
}

const purgeRequest = async (w: World, state: PurgeState, limit = 1_000) => ({
  ...{ id: newId(), notAfterAt: (await w.now()) + 35_000, state, limit, resultTtlMs: TTL_MS },
});

export function describeOperator(world: () => Promise<World>): void {
  describe('retry', () => {
    it('makes a dead job ready again, as if it had never failed, and wakes who waits', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [id] = await w.enqueue({ priority: 3, input: '{"é":[1]}' });
      await daemon.settle(retry((await daemon.claimOne()).token));
      await kill(daemon);
      const target = await seen(w, id);
      await w.broker.wait([w.queue], AbortSignal.timeout(10_000));
      const waiting = w.broker.wait([w.queue], AbortSignal.timeout(10_000));
      assert.deepEqual(await w.broker.retry(w.queue, target), { status: 'ready' });
      assert.deepEqual(await waiting, [w.queue]);
      assert.deepEqual(await counts(w), [1, 0, 0, 0]);
      const { failures, crashes, recoveries, priority, input, claims } = decodeJob(
        (await daemon.claimOne()).record,
      );
      assert.deepEqual([failures, crashes, recoveries, priority, input], [0, 0, 0, 3, '{"é":[1]}']);
      assert.equal(claims, target.claims + 1);
    });

    it('makes a delayed job due at once', async () => {
      const w = await world();
      const [, id] = await w.enqueue({ delayMs: 50_000 }, { delayMs: 60_000 });
      assert.deepEqual(await w.broker.retry(w.queue, await seen(w, id)), { status: 'ready' });
      assert.deepEqual(await counts(w), [1, 1, 0, 0]);
      assert.deepEqual(idsOf(await (await w.daemon()).claim(5)), [id]);
    });

    it('takes a job that had to run alone back among the others', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [id] = await w.enqueue({});
      for (let lost = 0; lost < 2; lost++) {
        const { token } = await daemon.claimOne();
        await daemon.settle({ type: 'retry', token, delayMs: 0, count: 'recovery', error: ERROR });
      }
      const [suspect] = await daemon.claim(1, { alone: true });
      await daemon.settle({ type: 'dead', token: suspect!.token, count: 'crash', error: ERROR });
      await w.broker.retry(w.queue, await seen(w, id));
      assert.equal((await daemon.claimOne()).alone, false);
    });

    it('may be sent twice', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [id] = await w.enqueue({});
      await kill(daemon);
      const target = await seen(w, id);
      for (let n = 0; n < 3; n++)
        assert.deepEqual(await w.broker.retry(w.queue, target), { status: 'ready' });
      assert.equal((await daemon.claim(5)).length, 1);
    });

    it('does nothing to a later life of the job', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [id] = await w.enqueue({});
      await kill(daemon);
      const target = await seen(w, id);
      await w.broker.retry(w.queue, target);
      const { token } = await daemon.claimOne();
      assert.deepEqual(await w.broker.retry(w.queue, target), { status: 'in_flight' });
      await daemon.settle(retry(token, 5_000));
      assert.deepEqual(await w.broker.retry(w.queue, target), { status: 'changed' });
      await w.advance(6_000);
      await kill(daemon);
      assert.deepEqual(await w.broker.retry(w.queue, target), { status: 'changed' });
      assert.deepEqual(await counts(w), [0, 0, 0, 1]);
    });

    it('forgets how the job ended before, and keeps how it ends then', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [id] = await w.enqueue({ keepResult: true });
      const end = async (type: 'dead' | 'ack', json: string) => {
        const { token } = await daemon.claimOne();
        const result = { json, ttlMs: TTL_MS };
        await daemon.settle(
          type === 'ack' ? { type, token, result } : { type, token, count: 'failure', error: ERROR, result },
        );
      };
      await end('dead', '{"status":"dead"}');
      const target = await seen(w, id);
      assert.deepEqual(await w.broker.results(w.queue, [id!]), ['{"status":"dead"}']);
      assert.deepEqual(await w.broker.retry(w.queue, target), { status: 'ready' });
      assert.deepEqual(await w.broker.results(w.queue, [id!]), [null]);
      await end('ack', '{"status":"completed"}');
      assert.deepEqual(await w.broker.retry(w.queue, target), { status: 'gone' });
      assert.deepEqual(await w.broker.results(w.queue, [id!]), ['{"status":"completed"}']);
    });

    it('refuses a job that runs, that expired, and one that is not there', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [running] = await w.enqueue({});
      await daemon.claimOne();
      const [expired] = await w.enqueue({ expiresAt: (await w.now()) + 1_000 });
      await kill(daemon);
      await w.advance(2_000);
      assert.deepEqual(await w.broker.retry(w.queue, await seen(w, running)), { status: 'in_flight' });
      assert.deepEqual(await w.broker.retry(w.queue, await seen(w, expired)), { status: 'expired' });
      assert.deepEqual(await w.broker.retry(w.queue, { id: newId(), claims: 0 }), { status: 'gone' });
      assert.deepEqual(await counts(w), [0, 0, 1, 1]);
    });

    it('takes the unique key again, and refuses while another job holds it', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [id] = await w.enqueue({ unique: 'ké' });
      await kill(daemon);
      const target = await seen(w, id);
      const [holder] = await w.enqueue({ unique: 'ké' });
      assert.deepEqual(await w.broker.retry(w.queue, target), { status: 'held', holder });
      assert.deepEqual(await counts(w), [1, 0, 0, 1]);
      await daemon.settle({ type: 'ack', token: (await daemon.claimOne()).token });
      assert.deepEqual(await w.broker.retry(w.queue, target), { status: 'ready' });
      const again = await w.broker.enqueue(w.queue, await w.batch([entry({ unique: 'ké' })]));
      assert.deepEqual(again.status === 'stored' && again.existing, [id]);
    });

    it('of a delayed job leaves its unique key with it', async () => {
      const w = await world();
      const [id] = await w.enqueue({ unique: 'k', delayMs: 9_000 });
      assert.deepEqual(await w.broker.retry(w.queue, await seen(w, id)), { status: 'ready' });
      const again = await w.broker.enqueue(w.queue, await w.batch([entry({ unique: 'k' })]));
      assert.deepEqual(again.status === 'stored' && again.existing, [id]);
    });

    it('works while the queue is paused, and wakes nobody then', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [id] = await w.enqueue({});
      await kill(daemon);
      await w.broker.wait([w.queue], AbortSignal.timeout(10_000));
      await w.broker.setPaused(w.queue, { paused: true, version: 1 });
      const waiting = w.broker.wait([w.queue, 'other'], AbortSignal.timeout(10_000));
      assert.deepEqual(await w.broker.retry(w.queue, await seen(w, id)), { status: 'ready' });
      await w.broker.enqueue('other', await w.batch([entry({})]));
      assert.deepEqual(await waiting, ['other']);
    });

    it('brings a thousand dead jobs back', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const ids = await w.fill(1_000, { unique: null });
      for (let n = 0; n < 4; n++) {
        const jobs = await daemon.claim(256);
        await daemon.settle(...jobs.map(({ token }) => dead(token)));
      }
      assert.deepEqual(await counts(w), [0, 0, 0, 1_000]);
      for (const id of ids)
        assert.deepEqual(await w.broker.retry(w.queue, { id, claims: 1 }), { status: 'ready' });
      assert.deepEqual(await counts(w), [1_000, 0, 0, 0]);
    });
  });

  describe('delete', () => {
    it('removes a job that waits or is dead, and may be sent twice', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [died] = await w.enqueue({});
      await kill(daemon);
      const [first, middle, last, delayed] = await w.enqueue({}, {}, {}, { delayMs: 60_000 });
      for (const id of [died, middle, delayed]) {
        const target = await seen(w, id);
        assert.deepEqual(await remove(w, target), { status: 'gone' });
        assert.deepEqual(await remove(w, target), { status: 'gone' });
        assert.equal(await w.broker.find(w.queue, id!), null);
      }
      assert.deepEqual(await counts(w), [2, 0, 0, 0]);
      assert.equal((await w.broker.stats(w.queue)).counters.cancelled, 2);
      assert.deepEqual(idsOf(await daemon.claim(5)), [first, last]);
    });

    it('removes a suspect', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [id] = await w.enqueue({});
      for (let lost = 0; lost < 2; lost++) {
        const { token } = await daemon.claimOne();
        await daemon.settle({ type: 'retry', token, delayMs: 0, count: 'recovery', error: ERROR });
      }
      assert.deepEqual(await remove(w, await seen(w, id)), { status: 'gone' });
      assert.equal((await daemon.exchange()).suspects, false);
    });

    it('leaves a job that runs alone', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [id] = await w.enqueue({ unique: 'k' });
      const { token } = await daemon.claimOne();
      assert.deepEqual(await remove(w, await seen(w, id)), { status: 'in_flight' });
      await daemon.settle({ type: 'ack', token });
    });

    it('does nothing to a later life of the job: after a claim, after an operator’s retry', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [released, retried] = await w.enqueue({}, { delayMs: 60_000 });
      const targets = [await seen(w, released), await seen(w, retried)];
      await daemon.settle({ type: 'release', token: (await daemon.claimOne()).token });
      await w.broker.retry(w.queue, targets[1]!);
      for (const target of targets) assert.deepEqual(await remove(w, target), { status: 'changed' });
      assert.deepEqual(await counts(w), [2, 0, 0, 0]);
    });

    it('frees the unique key of a job that waited, and not that which another holds since it died', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [waiting] = await w.enqueue({ unique: 'a' });
      await remove(w, await seen(w, waiting));
      const [died] = await w.enqueue({ unique: 'a' });
      await kill(daemon);
      const [holder] = await w.enqueue({ unique: 'a' });
      await remove(w, await seen(w, died));
      const again = await w.broker.enqueue(w.queue, await w.batch([entry({ unique: 'a' })]));
      assert.deepEqual(again.status === 'stored' && again.existing, [holder]);
    });

    it('tells who awaits the result that the job is cancelled, and leaves that of a dead one as it was', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [died] = await w.enqueue({ keepResult: true });
      const { token } = await daemon.claimOne();
      const result = { json: '{"status":"dead"}', ttlMs: TTL_MS };
      await daemon.settle({ type: 'dead', token, count: 'failure', error: ERROR, result });
      const [waits, forgotten] = await w.enqueue({ keepResult: true }, {});
      for (const id of [died, waits, forgotten]) await remove(w, await seen(w, id));
      const [ofDead, ofWaiting, none] = await w.broker.results(w.queue, [died!, waits!, forgotten!]);
      assert.equal(ofDead, '{"status":"dead"}');
      assert.equal((JSON.parse(ofWaiting ?? '{}') as { status: string }).status, 'cancelled');
      assert.equal(none, null);
      await w.advance(TTL_MS + 1);
      assert.deepEqual(await w.broker.results(w.queue, [waits!]), [null]);
    });

    it('finds one of a thousand wherever it stands', async () => {
      const w = await world();
      const ids = await w.fill(1_000);
      for (const at of [999, 500, 1, 0])
        assert.equal((await remove(w, { id: ids[at]!, claims: 0 })).status, 'gone');
      const left = ids.filter((_, at) => ![999, 500, 1, 0].includes(at));
      assert.deepEqual(idsOf(await w.broker.list(w.queue, { state: 'ready', limit: 2_000 })), left);
    });
  });

  describe('purge', () => {
    const fillState: Readonly<Record<PurgeState, (w: World, count: number) => Promise<void>>> = {
      ready: async (w, count) => void (await w.fill(count, { keepResult: true })),
      delayed: async (w, count) => void (await w.fill(count, { delayMs: 60_000 })),
      dead: async (w, count) => {
        const daemon = await w.daemon();
        await w.fill(count);
        for (let left = count; left > 0; left -= 256) {
          const jobs = await daemon.claim(Math.min(256, left));
          await daemon.settle(...jobs.map(({ token }) => dead(token)));
        }
      },
    };

    for (const state of ['ready', 'delayed', 'dead'] as const) {
      for (const count of [0, 1, 1_000]) {
        it(`removes ${count} ${state} jobs, in chunks, and no other`, async () => {
          const w = await world();
          const daemon = await w.daemon();
          await fillState[state](w, count);
          const others = { ready: {}, delayed: { delayMs: 60_000 }, dead: {} };
          let kept = 0;
          for (const [other, draft] of Object.entries(others)) {
            if (other === state || (other === 'dead' && state === 'ready')) continue;
            await w.enqueue(draft);
            if (other === 'dead') await kill(daemon);
            kept++;
          }
          let removed = 0;
          for (let more = true; more; ) {
            const reply = await w.broker.purge(w.queue, await purgeRequest(w, state, 400));
            assert(reply.status === 'purged' && reply.removed <= 400);
            removed += reply.removed;
            more = reply.more;
          }
          assert.equal(removed, count);
          const left = await w.broker.stats(w.queue);
          assert.equal(left[state], 0);
          assert.equal(left.ready + left.delayed + left.dead, kept);
          assert.equal(left.counters.cancelled, state === 'dead' ? 0 : count);
        });
      }
    }

    it('never touches what is in flight', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.fill(3, { unique: null });
      const jobs = await daemon.claim(3);
      for (const state of ['ready', 'delayed', 'dead'] as const) {
        const reply = await w.broker.purge(w.queue, await purgeRequest(w, state));
        assert.deepEqual([reply.status, 'removed' in reply && reply.removed], ['purged', 0]);
      }
      await daemon.settle(...jobs.map(({ token }) => ({ type: 'ack', token }) as const));
    });

    it('removes the first in line, suspects and all priorities, and the oldest of the dead', async () => {
      const w = await world();
      const daemon = await w.daemon();
      const [first] = await w.enqueue({});
      await kill(daemon);
      await w.advance(1_000);
      const [second] = await w.enqueue({});
      await kill(daemon);
      await w.broker.purge(w.queue, await purgeRequest(w, 'dead', 1));
      assert.equal(await w.broker.find(w.queue, first!), null);
      assert.equal((await w.broker.find(w.queue, second!))?.state, 'dead');
      const [low, high] = await w.enqueue({ priority: 9 }, { priority: 0 });
      await w.broker.purge(w.queue, await purgeRequest(w, 'ready', 1));
      assert.equal(await w.broker.find(w.queue, high!), null);
      await w.broker.purge(w.queue, await purgeRequest(w, 'ready', 1));
      assert.equal(await w.broker.find(w.queue, low!), null);
    });

    it('sent twice removes nothing more and answers the same number; late it removes nothing', async () => {
      const w = await world();
      await w.fill(5);
      const request = await purgeRequest(w, 'ready', 3);
      const first = await w.broker.purge(w.queue, request);
      assert(first.status === 'purged');
      assert.deepEqual([first.removed, first.more], [3, true]);
      await w.enqueue({});
      const again = await w.broker.purge(w.queue, request);
      assert.deepEqual([again.status, 'removed' in again && again.removed], ['purged', 3]);
      assert.deepEqual(await counts(w), [3, 0, 0, 0]);
      await w.advance(40_000);
      const late = await w.broker.purge(w.queue, request);
      assert.equal(late.status, 'late');
      await w.broker.purge(w.queue, { ...request, id: newId(), notAfterAt: late.now + 1_000, limit: 1 });
      assert.deepEqual(await counts(w), [2, 0, 0, 0]);
    });

    it('frees unique keys, and tells who awaits results that the jobs are cancelled', async () => {
      const w = await world();
      const [a, b, c] = await w.enqueue(
        { unique: 'a', keepResult: true },
        { unique: 'b', priority: 1 },
        { unique: 'c', delayMs: 60_000 },
      );
      await w.broker.purge(w.queue, await purgeRequest(w, 'ready'));
      const [result, none] = await w.broker.results(w.queue, [a!, b!]);
      assert.equal((JSON.parse(result ?? '{}') as { status: string }).status, 'cancelled');
      assert.equal(none, null);
      const batch = await w.batch([entry({ unique: 'a' }), entry({ unique: 'b' }), entry({ unique: 'c' })]);
      const stored = await w.broker.enqueue(w.queue, batch);
      assert.deepEqual(stored.status === 'stored' && stored.existing, [null, null, c]);
    });

    it('leaves the key of a job alone that another holds by now', async () => {
      const w = await world();
      const daemon = await w.daemon();
      await w.enqueue({ unique: 'k' });
      await kill(daemon);
      const [holder] = await w.enqueue({ unique: 'k' });
      await w.broker.purge(w.queue, await purgeRequest(w, 'dead'));
      const again = await w.broker.enqueue(w.queue, await w.batch([entry({ unique: 'k' })]));
      assert.deepEqual(again.status === 'stored' && again.existing, [holder]);
    });

    it('stops where the jobs become many bytes', async () => {
      const w = await world();
      const input = JSON.stringify('x'.repeat(1024 ** 2));
      for (let n = 0; n < 8; n++) await w.enqueue({ input });
      const reply = await w.broker.purge(w.queue, await purgeRequest(w, 'ready'));
      assert(reply.status === 'purged' && reply.removed >= 4 && reply.removed < 8 && reply.more);
      assert.deepEqual(await counts(w), [8 - reply.removed, 0, 0, 0]);
    });
  });
}

import assert from 'node:assert/strict';
import { decodeJob } from '../../../src/broker/job-record.ts';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import type { ErrorCode } from '../../../src/lib/errors.ts';
import { newId } from '../../../src/lib/ids.ts';
import { JobOperator } from '../../../src/supervisor/job-operator.ts';
import { type Daemon, type Draft, dead, World } from '../../contract/broker/world.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { flaky } from '../../support/flaky-broker.ts';

const refused = (code: ErrorCode, message: RegExp) => ({ code, message });

describe('the operator of jobs', () => {
  const setUp = async () => {
    const clock = new FakeClock();
    const memory = new MemoryBroker({ clock });
    const { broker, lose } = flaky(memory);
    const advance = async (ms: number) => void (await clock.advance(ms));
    const world = new World({ broker: memory, advance, dispose: () => memory.close() });
    const jobs = new JobOperator({ broker, queues: ['other', world.queue], resultTtlOf: () => 60_000 });
    return { world, jobs, lose, daemon: await world.daemon() };
  };
  const died = async (world: World, daemon: Daemon, draft: Draft = {}): Promise<string> => {
    const [id] = await world.enqueue(draft);
    await daemon.settle(dead((await daemon.claimOne()).token));
    return id ?? '';
  };

  it('retries and deletes a job by its id alone, wherever it is', async () => {
    const { world, jobs, daemon } = await setUp();
    const id = await died(world, daemon);
    const { queue } = world;
    assert.deepEqual(await jobs.retry({ id }), { schema: 'forkloop.job-retry/1', id, queue });
    assert.equal((await world.broker.find(queue, id))?.state, 'ready');
    assert.deepEqual(await jobs.delete({ id, queue }), { schema: 'forkloop.job-delete/1', id, queue });
    assert.equal(await world.broker.find(queue, id), null);
  });

  it('gets its way when the reply is lost', async () => {
    const { world, jobs, lose, daemon } = await setUp();
    const id = await died(world, daemon);
    lose('retry', 'reply');
    await jobs.retry({ id });
    assert.equal((await world.broker.find(world.queue, id))?.state, 'ready');
    lose('delete', 'reply');
    await jobs.delete({ id });
    assert.equal(await world.broker.find(world.queue, id), null);
  });

  it('does nothing to a job that is not as it was seen', async () => {
    const { world, jobs, daemon } = await setUp();
    const id = await died(world, daemon);
    const { queue } = world;
    await jobs.retry({ id });
    const changed = refused('ERR_JOB_CHANGED', /look at it again/);
    await assert.rejects(jobs.delete({ id, queue, claims: 1 }), changed);
    await daemon.settle(dead((await daemon.claimOne()).token));
    await assert.rejects(jobs.retry({ id, queue, claims: 1 }), changed);
    const { record = '' } = (await world.broker.find(queue, id)) ?? {};
    await jobs.retry({ id, queue, claims: decodeJob(record).claims });
  });

  it('says why it refuses, and what to do', async () => {
    const { world, jobs, daemon } = await setUp();
    const unique = await died(world, daemon, { unique: 'k' });
    const [holder] = await world.enqueue({ unique: 'k' });
    await assert.rejects(
      jobs.retry({ id: unique }),
      refused('ERR_KEY_HELD', new RegExp(`job ${holder}; wait`)),
    );
    await daemon.claimOne();
    const running = { id: holder ?? '' };
    await assert.rejects(jobs.retry(running), refused('ERR_JOB_IN_FLIGHT', /cannot be retried/));
    await assert.rejects(jobs.delete(running), refused('ERR_JOB_IN_FLIGHT', /cannot be deleted/));
    const expired = await died(world, daemon, { expiresAt: (await world.now()) + 1_000 });
    await world.advance(2_000);
    await assert.rejects(jobs.retry({ id: expired }), refused('ERR_JOB_EXPIRED', /enqueue it anew/));
    const unknown = refused('ERR_JOB_UNKNOWN', /no job .* is stored/);
    await assert.rejects(jobs.retry({ id: newId() }), unknown);
    await assert.rejects(jobs.delete({ id: newId() }), unknown);
    await assert.rejects(jobs.retry({ id: newId(), queue: world.queue, claims: 0 }), unknown);
    await assert.rejects(
      jobs.retry({ id: newId(), queue: 'gone' }),
      refused('ERR_QUEUE_UNKNOWN', /other, orders/),
    );
  });
});

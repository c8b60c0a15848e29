import assert from 'node:assert/strict';
import type { Broker } from '../../../src/broker/broker.ts';
import { BrokerError } from '../../../src/broker/broker-error.ts';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import type { PurgeRequest } from '../../../src/broker/messages/operator.ts';
import { newId } from '../../../src/lib/ids.ts';
import { QueueOperator } from '../../../src/supervisor/queue-operator.ts';
import { entry, World } from '../../contract/broker/world.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { flaky } from '../../support/flaky-broker.ts';

const pools = [
  { name: 'cpu', queues: ['geo'] },
  { name: 'io', queues: ['eta', 'mail'] },
];

const about = { pools, resultTtlOf: () => 60_000, newId };

describe('the operator of queues', () => {
  const setUp = () => {
    const { broker, ...faults } = flaky(new MemoryBroker({ clock: new FakeClock() }));
    return { broker, ...faults, queues: new QueueOperator({ broker, ...about }) };
  };

  it('lists the queues of every pool, and shows one as the list does', async () => {
    const { queues } = setUp();
    const { queues: listed } = await queues.list();
    assert.deepEqual(
      listed.map(({ name, pool, paused }) => [name, pool, paused]),
      [
        ['geo', 'cpu', false],
        ['eta', 'io', false],
        ['mail', 'io', false],
      ],
    );
    assert.deepEqual(await queues.show({ name: 'eta' }), listed[1]);
  });

  it('pauses and resumes, and says whether that changed anything', async () => {
    const { queues } = setUp();
    const first = await queues.setPaused({ name: 'eta' }, true);
    assert.deepEqual([first.paused, first.changed], [true, true]);
    assert.match(first.paused_since ?? '', /^\d{4}-\d\d-\d\dT/);
    assert.deepEqual(await queues.setPaused({ name: 'eta' }, true), { ...first, changed: false });
    const { paused, paused_since } = await queues.show({ name: 'eta' });
    assert.deepEqual([paused, paused_since], [true, first.paused_since]);
    const { name, ...resumed } = await queues.setPaused({ name: 'eta' }, false);
    assert.deepEqual(resumed, {
      schema: 'forkloop.queue-pause/1',
      ...{ paused: false, paused_since: null, changed: true },
    });
    assert.equal((await queues.show({ name: 'mail' })).paused, false);
  });

  it('gets its way when the reply is lost, and when somebody else was faster', async () => {
    const { queues, broker, lose } = setUp();
    lose('setPaused', 'reply');
    assert.equal((await queues.setPaused({ name: 'geo' }, true)).paused, true);
    const { setPaused } = broker;
    let raced = false;
    const racing: Broker = Object.assign(Object.create(broker) as Broker, {
      stats: (queue: string) => broker.stats(queue),
      setPaused: async (queue: string, request: { paused: boolean; version: number }) => {
        if (!raced) await setPaused(queue, { ...request, paused: true });
        raced = true;
        return setPaused(queue, request);
      },
    });
    const resumed = await new QueueOperator({ broker: racing, ...about }).setPaused({ name: 'geo' }, false);
    assert.deepEqual([resumed.paused, (await queues.show({ name: 'geo' })).paused], [false, false]);
  });

  it('does not repeat what was refused for certain', async () => {
    const { queues, lose } = setUp();
    lose('setPaused', 'request');
    await assert.rejects(queues.setPaused({ name: 'geo' }, true), { code: 'ERR_BROKER_UNAVAILABLE' });
    assert.equal((await queues.show({ name: 'geo' })).paused, false);
  });

  it('purges as many as were asked for, in chunks, and counts none twice when a reply is lost', async () => {
    const { broker } = setUp();
    let calls = 0;
    const losing: Broker = Object.assign(Object.create(broker) as Broker, {
      purge: async (queue: string, request: PurgeRequest) => {
        const reply = await broker.purge(queue, request);
        calls++;
        if (calls % 2 === 0) throw new BrokerError('unknown', 'reply lost');
        return reply;
      },
    });
    const queues = new QueueOperator({ broker: losing, ...about });
    const world = new World({ broker, advance: async () => {}, dispose: async () => {} });
    for (let left = 2_500; left > 0; left -= 250) {
      const jobs = Array.from({ length: 250 }, () => entry({ delayMs: 1_000 }));
      await broker.enqueue('eta', await world.batch(jobs));
    }
    const report = { schema: 'forkloop.queue-purge/1', name: 'eta', state: 'delayed' } as const;
    const first = await queues.purge({ name: 'eta', state: 'delayed', limit: 1_100 });
    assert.deepEqual(first, { ...report, removed: 1_100, more: true });
    const rest = await queues.purge({ name: 'eta', state: 'delayed', limit: 10_000 });
    assert.deepEqual(rest, { ...report, removed: 1_400, more: false });
    const none = await queues.purge({ name: 'eta', state: 'delayed', limit: 10_000 });
    assert.deepEqual(none, { ...report, removed: 0, more: false });
  });

  it('refuses a queue that no pool serves, and names those that there are', async () => {
    const { queues } = setUp();
    const unknown = { code: 'ERR_QUEUE_UNKNOWN', message: /"gone".*geo, eta, mail/ };
    await assert.rejects(queues.show({ name: 'gone' }), unknown);
    await assert.rejects(queues.setPaused({ name: 'gone' }, true), unknown);
    await assert.rejects(queues.purge({ name: 'gone', state: 'dead', limit: 1 }), unknown);
  });
});

import assert from 'node:assert/strict';
import type { BrokerClient } from '../../../src/broker/broker.ts';
import { BrokerError } from '../../../src/broker/broker-error.ts';
import { decodeJob, encodeJob } from '../../../src/broker/job-record.ts';
import type { EnqueueBatch, EnqueueReply } from '../../../src/broker/messages/enqueue.ts';
import type { StoredJob } from '../../../src/broker/messages/operator.ts';
import { BrokeredClient } from '../../../src/client/brokered-client.ts';
import type { EnqueueManyError } from '../../../src/client/enqueue-many-error.ts';
import { plainSettings } from '../../../src/client/settings.ts';
import { newId } from '../../../src/lib/ids.ts';
import { FakeClock } from '../../support/fake-clock.ts';

type Store = (batch: EnqueueBatch) => EnqueueReply | Promise<EnqueueReply>;

const HOLDER = newId();
const holder = (keepResult: boolean): StoredJob => ({
  state: 'ready',
  record: encodeJob({
    ...{ id: HOLDER, task: 'a.b', priority: 5, keepResult, expiresAt: 0, unique: 'k', options: {} },
    input: '1',
  }),
  at: null,
  daemon: null,
});

/** A client whose broker stores as the test says, and has `found` when it is asked for a job. */
function setUp(store: Store, found: () => Promise<StoredJob | null> = async () => null) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const broker = {
    enqueue: async (_queue: string, batch: EnqueueBatch) => store(batch),
    find: (_queue: string, id: string) => {
      asked.push(id);
      return found();
    },
    results: async (_queue: string, ids: readonly string[]) => ids.map(() => null),
    close: async () => {},
  } as unknown as BrokerClient;
  return { client: new BrokeredClient(broker, plainSettings, { timeoutMs: 2_000 }, clock), clock, asked };
}

const stored: Store = ({ jobs }) => ({ status: 'stored', existing: jobs.map(() => null), now: 0 });
const held: Store = ({ jobs }) => ({ status: 'stored', existing: jobs.map(() => HOLDER), now: 0 });
const inputs = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('a job whose unique key is held', () => {
  const enqueued = async (found: () => Promise<StoredJob | null>) => {
    const { client, clock, asked } = setUp(held, found);
    const handle = await client.enqueue('a.b', 1, { unique: 'k', result: true });
    assert.deepEqual([handle.id, handle.existing], [HOLDER, true]);
    return { handle, client, clock, asked };
  };

  it('is not looked for until its result is wanted', async () => {
    const { asked, handle, client } = await enqueued(async () => holder(false));
    await client.enqueueMany('a.b', inputs(600), { unique: 'k' });
    assert.deepEqual(asked, []);
    await assert.rejects(handle.result(), { code: 'ERR_RESULT_NOT_KEPT' });
    assert.deepEqual(asked, [HOLDER]);
  });

  it('is waited for where its own enqueuer keeps the result', async () => {
    const { handle, clock } = await enqueued(async () => holder(true));
    const ended = assert.rejects(handle.result({ timeout: '1s' }), { code: 'ERR_RESULT_TIMEOUT' });
    await clock.advance(1_000);
    await ended;
    assert.equal(clock.pending, 0);
  });

  it('is waited for no longer than said, also while the broker does not tell of it', async () => {
    const { handle, clock } = await enqueued(() => new Promise(() => {}));
    const ended = assert.rejects(handle.result({ timeout: '1s' }), { code: 'ERR_RESULT_TIMEOUT' });
    await clock.advance(1_000);
    await ended;
  });

  it('of which the broker cannot tell fails as that did', async () => {
    const { handle, clock } = await enqueued(() => Promise.reject(new BrokerError('refused', 'away')));
    await assert.rejects(handle.result({ timeout: '1s' }), { code: 'ERR_BROKER_UNAVAILABLE' });
    assert.equal(clock.pending, 0);
  });
});

describe('the expiry of a job', () => {
  it('goes by the broker’s clock from the first job on', async () => {
    const brokerNow = Date.UTC(2030, 0, 1);
    const expiries: number[] = [];
    const { client, clock } = setUp(({ jobs, notAfterAt }) => {
      if (notAfterAt < brokerNow) return { status: 'late', now: brokerNow };
      expiries.push(...jobs.map(({ record }) => decodeJob(record).expiresAt));
      return { status: 'stored', existing: jobs.map(() => null), now: brokerNow };
    });
    await client.enqueue('a.b', 1, { expires: '1m' });
    await client.enqueueMany('other', [1, 2], { queue: 'another', expires: '1m' });
    await client.enqueue('a.b', 1, { expires: new Date(clock.now() + 5_000) });
    assert.deepEqual(
      expiries.map((at) => at - brokerNow),
      [60_000, 60_000, 60_000, 5_000],
    );
  });
});

describe('a result', () => {
  it('that is asked of a closed client leaves no timer', async () => {
    const { client, clock } = setUp(stored);
    const handle = await client.enqueue('a.b', 1, { result: true });
    await client.close();
    await assert.rejects(handle.result({ timeout: '1h' }), { code: 'ERR_CLIENT_CLOSED' });
    assert.equal(clock.pending, 0);
  });
});

describe('enqueueMany', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  beforeEach(() => process.on('unhandledRejection', note));
  afterEach(() => {
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled.splice(0), []);
  });
  /** Node tells of a rejection that nobody handles before the next turn. */
  const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

  it('tells an option that does not fit once, of however many jobs', async () => {
    const { client } = setUp(stored);
    await assert.rejects(client.enqueueMany('a.b', inputs(600), { priority: 10 }), {
      code: 'ERR_OPTION_INVALID',
    });
    await nextTurn();
  });

  it('calls unknown what is refused in one batch and perhaps stored in another', async () => {
    const full = new BrokerError('refused', 'no room', { code: 'ERR_BROKER_FULL' });
    const { client, clock } = setUp(({ jobs }) =>
      Promise.reject(jobs.length === 256 ? full : new BrokerError('unknown', 'lost')),
    );
    const ended = client.enqueueMany('a.b', inputs(300)).catch((error: EnqueueManyError) => error);
    await clock.advance(3_000);
    const error = (await ended) as EnqueueManyError;
    assert.deepEqual([error.name, error.disposition, error.stored], ['EnqueueManyError', 'unknown', []]);
  });

  it('makes no third batch when the second has failed, though the first is stored after it', async () => {
    const full = new BrokerError('refused', 'no room', { code: 'ERR_BROKER_FULL' });
    let storeFirst = () => {};
    let calls = 0;
    const { client, clock } = setUp(({ jobs }) => {
      calls += 1;
      if (calls === 2) return Promise.reject(full);
      return new Promise((resolve) => {
        storeFirst = () => resolve({ status: 'stored', existing: jobs.map(() => null), now: clock.now() });
      });
    });
    const ended = client.enqueueMany('a.b', inputs(1_000)).catch((error: EnqueueManyError) => error);
    await nextTurn();
    assert.equal(calls, 2);
    storeFirst();
    const error = (await ended) as EnqueueManyError;
    assert.deepEqual([error.code, error.stored.length, calls], ['ERR_BROKER_FULL', 256, 2]);
  });

  it('stores nothing where there are no inputs', async () => {
    const { client } = setUp(() => assert.fail('it called'));
    assert.deepEqual(await client.enqueueMany('a.b', []), []);
  });
});

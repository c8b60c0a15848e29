import assert from 'node:assert/strict';
import type { BrokerClient } from '../../../src/broker/broker.ts';
import { BrokerError } from '../../../src/broker/broker-error.ts';
import type { EnqueueBatch, EnqueueReply } from '../../../src/broker/messages/enqueue.ts';
import { Enqueuer } from '../../../src/client/enqueuer.ts';
import { FakeClock } from '../../support/fake-clock.ts';

type Answer = (batch: EnqueueBatch) => EnqueueReply | Promise<EnqueueReply>;

const silence = new Promise<never>(() => {});
const lost = () => Promise.reject(new BrokerError('unknown', 'reply lost'));
const away = () => Promise.reject(new BrokerError('refused', 'away'));

/** An enqueuer whose broker answers as the test says, call by call; the last answer stays. */
function setUp(...answers: Answer[]) {
  const clock = new FakeClock();
  const batches: EnqueueBatch[] = [];
  const stored: Answer = (batch) => ({
    status: 'stored',
    existing: batch.jobs.map(() => null),
    now: clock.now(),
  });
  const broker = {
    enqueue: async (_queue: string, batch: EnqueueBatch) => {
      batches.push(batch);
      const answer = answers.length > 1 ? (answers.shift() as Answer) : (answers[0] ?? stored);
      return answer(batch);
    },
  } as unknown as BrokerClient;
  let ids = 0;
  const newId = () => `batch-${++ids}`;
  const enqueuer = new Enqueuer({ queue: 'q', broker, timeoutMs: 2_000, clock, random: () => 0.5, newId });
  const add = (record: string) => enqueuer.add({ record, delayMs: 0 });
  return { add, batches, clock, stored, enqueuer };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const records = (batch: EnqueueBatch | undefined) => batch?.jobs.map(({ record }) => record);

describe('the enqueuer', () => {
  it('sends the calls of one turn together', async () => {
    const { add, batches } = setUp();
    await Promise.all([add('a'), add('b'), add('c')]);
    assert.deepEqual(batches.map(records), [['a', 'b', 'c']]);
  });

  it('gathers what comes while a batch is in flight into the next one', async () => {
    let answer = () => {};
    const { add, batches } = setUp(
      (batch) =>
        new Promise((resolve) => {
          answer = () => resolve({ status: 'stored', existing: batch.jobs.map(() => null), now: 0 });
        }),
    );
    const first = add('a');
    await Promise.resolve();
    const rest = ['b', 'c'].map(add);
    answer();
    await first;
    await Promise.resolve();
    assert.deepEqual(batches.map(records), [['a'], ['b', 'c']]);
    answer();
    await Promise.all(rest);
  });

  for (const [what, count, record] of [
    ['128 jobs', 128, 'x'],
    ['2 MiB', 2, 'x'.repeat(1024 ** 2)],
  ] as const) {
    it(`sends a second batch beside the one in flight when there are ${what}, and a third when one has ended`, async () => {
      const answers: (() => void)[] = [];
      const { add, batches, clock } = setUp(
        (batch) =>
          new Promise((resolve) => {
            answers.push(() => resolve({ status: 'stored', existing: batch.jobs.map(() => null), now: 0 }));
          }),
      );
      const sizes = () => batches.map(({ jobs }) => jobs.length);
      const ends = [add('first')];
      await turn();
      for (let index = 1; index < count; index++) ends.push(add(record));
      await turn();
      assert.deepEqual(sizes(), [1], 'few wait');
      ends.push(add(record));
      await turn();
      assert.deepEqual(sizes(), [1, count]);
      for (let index = 0; index < count; index++) ends.push(add(record));
      await turn();
      assert.deepEqual(sizes(), [1, count], 'two are in flight');
      answers[1]?.();
      await turn();
      assert.deepEqual(sizes(), [1, count, count]);
      ends.push(add('last'));
      answers[2]?.();
      await turn();
      assert.deepEqual(sizes(), [1, count, count], 'one waits behind the first');
      answers[0]?.();
      await turn();
      assert.deepEqual(sizes(), [1, count, count, 1]);
      answers[3]?.();
      await Promise.all(ends);
      await turn();
      assert.equal(clock.pending, 0, 'no timer is left');
    });
  }

  it('sends no second batch beside one that has failed, until that has ended', async () => {
    let answer: Answer = lost;
    const { add, batches, clock, stored } = setUp((batch) => answer(batch));
    const ends = [add('first')];
    await turn();
    for (let index = 0; index < 200; index++) ends.push(add('x'));
    await turn();
    assert.equal(batches.length, 1);
    answer = stored;
    await clock.advance(100);
    await Promise.all(ends);
    assert.deepEqual(
      batches.map(({ jobs }) => jobs.length),
      [1, 1, 200],
    );
  });

  it('has no more bytes in flight in two batches than one may have', async () => {
    const { add, batches } = setUp(() => silence);
    for (let index = 0; index < 10; index++) {
      void add('x'.repeat(1024 ** 2));
      if (index === 0) await turn();
    }
    await turn();
    assert.deepEqual(
      batches.map(({ jobs }) => jobs.length),
      [1, 3],
    );
    const large = setUp(() => silence);
    void large.add('x'.repeat(2 * 1024 ** 2 + 1));
    await turn();
    for (let index = 0; index < 200; index++) void large.add('x');
    await turn();
    assert.deepEqual(
      large.batches.map(({ jobs }) => jobs.length),
      [1],
    );
  });

  it('ends by their own deadline those that come late, before what waits longer', async () => {
    const { add, enqueuer, clock } = setUp(() => silence);
    void add('stuck').catch(() => {});
    await turn();
    const ends: string[] = [];
    const note = (name: string, ended: Promise<unknown>) =>
      ended.catch(({ disposition }: BrokerError) => ends.push(`${name} ${disposition}`));
    void note('patient', add('patient'));
    void note('late', enqueuer.add({ record: 'late', delayMs: 0 }, clock.monotonic() + 500));
    await clock.advance(499);
    assert.deepEqual(ends, []);
    await clock.advance(2);
    assert.deepEqual(ends, ['late refused']);
    await clock.advance(1_500);
    assert.deepEqual(ends.slice(1), ['patient refused']);
  });

  it('ends by its own deadline what waits behind two batches without an answer', async () => {
    const { add, clock, batches } = setUp(() => silence);
    for (let index = 0; index < 512; index++) void add('stuck').catch(() => {});
    await clock.advance(500);
    let isOver = false;
    const waiting = assert.rejects(add('behind'), { disposition: 'refused' }).then(() => (isOver = true));
    await clock.advance(1_990);
    assert.equal(isOver, false);
    await clock.advance(11);
    await waiting;
    assert.equal(batches.length, 2);
  });

  it('cuts batches at 256 jobs and where their bytes reach 4 MiB', async () => {
    const many = setUp();
    await Promise.all(Array.from({ length: 600 }, (_, i) => many.add(String(i))));
    assert.deepEqual(
      many.batches.map(({ jobs }) => jobs.length),
      [256, 256, 88],
    );
    const large = setUp();
    await Promise.all(Array.from({ length: 10 }, () => large.add('x'.repeat(1024 ** 2))));
    assert.deepEqual(
      large.batches.map(({ jobs }) => jobs.length),
      [4, 4, 2],
    );
  });

  it('does not call jobs refused that an earlier try of the same batch may have stored', async () => {
    const full = () => Promise.reject(new BrokerError('refused', 'no room', { code: 'ERR_BROKER_FULL' }));
    const fatal = () => Promise.reject(new BrokerError('fatal', 'wrong password'));
    for (const last of [full, fatal]) {
      const { add, clock } = setUp(lost, last);
      const ended = assert.rejects(add('a'), { disposition: 'unknown' });
      await clock.advance(100);
      await ended;
    }
    await assert.rejects(setUp(full).add('a'), { disposition: 'refused', code: 'ERR_BROKER_FULL' });
  });

  it('repeats a batch whose reply was lost as it is', async () => {
    const { add, batches, clock } = setUp(lost, (batch) => ({
      status: 'stored',
      existing: batch.jobs.map(() => null),
      now: 0,
    }));
    const end = add('a');
    await clock.advance(100);
    assert.equal(await end, null);
    assert.equal(batches.length, 2);
    assert.deepEqual(batches[0], batches[1]);
  });

  it('stamps a batch anew that came late at the first send, by the broker’s clock', async () => {
    const { add, batches } = setUp(
      () => ({ status: 'late', now: 5_000_000 }),
      () => ({ status: 'stored', existing: ['other'], now: 5_000_000 }),
    );
    assert.equal(await add('a'), 'other');
    assert.notEqual(batches[0]?.id, batches[1]?.id);
    assert.equal(batches[1]?.notAfterAt, 5_035_000);
  });

  it('says unknown when a repeat came late: the first may have been stored', async () => {
    const { add, clock } = setUp(lost, () => ({ status: 'late', now: 5_000_000 }));
    const end = assert.rejects(add('a'), { disposition: 'unknown' });
    await clock.advance(100);
    await end;
  });

  it('says refused within its deadline when nothing ever arrived, unknown when something may have', async () => {
    for (const [answer, disposition] of [
      [away, 'refused'],
      [lost, 'unknown'],
    ] as const) {
      const { add, clock } = setUp(answer);
      const end = assert.rejects(add('a'), { code: 'ERR_BROKER_UNAVAILABLE', disposition });
      await clock.advance(2_000);
      await end;
    }
  });

  it('ends by their own deadline those that wait behind a batch without an answer', async () => {
    const { add, clock } = setUp(() => silence);
    void add('stuck').catch(() => {});
    await clock.advance(500);
    const waiting = assert.rejects(add('behind'), { code: 'ERR_BROKER_UNAVAILABLE', disposition: 'refused' });
    await clock.advance(2_001);
    await waiting;
  });

  it('ends by its own deadline a batch that was sent late and gets no answer', async () => {
    const { add, clock, batches } = setUp(away, () => silence);
    const end = assert.rejects(add('a'), { code: 'ERR_BROKER_UNAVAILABLE', disposition: 'unknown' });
    await clock.advance(2_100);
    await end;
    assert.equal(batches.length, 2);
  }).timeout(20_000);

  it('keeps no time of its own for a call that ends by itself before its callers may wait no longer', async () => {
    const clock = new FakeClock();
    const broker = { enqueue: () => silence } as unknown as BrokerClient;
    const options = { queue: 'q', broker, clock, random: () => 0.5, newId: () => 'id', timeoutMs: 2_000 };
    for (const [callDeadlineMs, timers] of [
      [1_999, 0],
      [2_000, 1],
    ] as const) {
      void new Enqueuer({ ...options, callDeadlineMs }).add({ record: 'a', delayMs: 0 });
      await turn();
      assert.equal(clock.pending, timers);
    }
  });

  describe('with jobs of several ages in one batch', () => {
    /** `old` and `young` wait behind a first batch, and are sent together when that has ended, at 1.75 s. */
    const behind = async (...answers: Answer[]) => {
      const set = setUp(...answers);
      const ends: string[] = [];
      const note = (record: string) =>
        set.add(record).then(
          () => ends.push(`${record} stored`),
          (error: BrokerError) => ends.push(`${record} ${error.disposition}`),
        );
      void note('first');
      await set.clock.advance(200);
      void note('old');
      await set.clock.advance(1_400);
      void note('young');
      return { ...set, ends };
    };

    it('drops those whose time is over from what was certainly refused, and sends the rest as another batch', async () => {
      let isAway = true;
      const { batches, clock, ends, stored } = await behind((batch) => (isAway ? away() : stored(batch)));
      await clock.advance(700);
      assert.deepEqual(ends, ['first refused', 'old refused']);
      isAway = false;
      await clock.advance(500);
      assert.deepEqual(ends.slice(2), ['young stored']);
      const both = batches.find(({ jobs }) => jobs.length === 2);
      assert.deepEqual(records(both), ['old', 'young']);
      assert.deepEqual(records(batches.at(-1)), ['young']);
      assert.notEqual(batches.at(-1)?.id, both?.id);
    });

    it('repeats what is perhaps stored as it is, for the youngest', async () => {
      let isAway = true;
      const { batches, clock, ends, stored } = await behind((batch) => (isAway ? lost() : stored(batch)));
      await clock.advance(700);
      assert.deepEqual(ends, ['first unknown', 'old unknown']);
      isAway = false;
      await clock.advance(500);
      assert.deepEqual(ends.slice(2), ['young stored']);
      const both = batches.filter(({ jobs }) => jobs.length === 2);
      assert.deepEqual(new Set(both.map(({ id }) => id)).size, 1);
      assert.deepEqual(batches.at(-1), both[0]);
    });

    it('ends each at its own deadline while a call gets no answer', async () => {
      let calls = 0;
      const { clock, ends } = await behind(() => (++calls < 8 ? away() : silence));
      await clock.advance(700);
      assert.deepEqual(ends, ['first refused', 'old unknown']);
      await clock.advance(1_400);
      assert.deepEqual(ends.slice(2), ['young unknown']);
    });
  });

  it('asks for the broker’s time once, and not longer than said', async () => {
    const { enqueuer, clock, batches } = setUp(
      () => silence,
      () => ({ status: 'late', now: 5_000_000 }),
    );
    const job = { record: 'a', delayMs: 0 };
    const unanswered = enqueuer.learnTime(job);
    await clock.advance(2_000);
    await unanswered;
    await enqueuer.learnTime(job);
    await enqueuer.learnTime(job);
    assert.equal(enqueuer.brokerNow(), 5_000_000);
    assert.deepEqual(
      batches.map(({ notAfterAt }) => notAfterAt),
      [1, 1],
    );
  });

  it('does not send what came too late for its deadline', async () => {
    const { enqueuer, clock, batches } = setUp();
    const job = { record: 'a', delayMs: 0 };
    await assert.rejects(enqueuer.add(job, clock.monotonic()), { disposition: 'refused' });
    assert.deepEqual(batches, []);
  });

  it('does not repeat what only a person can mend, nor what has no room', async () => {
    for (const error of [
      new BrokerError('fatal', 'password'),
      new BrokerError('refused', 'full', { code: 'ERR_BROKER_FULL' }),
    ]) {
      const { add, batches } = setUp(() => Promise.reject(error));
      await assert.rejects(add('a'), { code: error.code });
      assert.equal(batches.length, 1);
    }
  });
});

import assert from 'node:assert/strict';
import { decodeJob, recordId } from '../../../src/broker/job-record.ts';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import { newId } from '../../../src/lib/ids.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { Schedule } from '../../../src/scheduler/schedule.ts';
import { Scheduler } from '../../../src/scheduler/scheduler.ts';
import { tickId } from '../../../src/scheduler/tick-id.ts';
import { everyTicks } from '../../../src/scheduler/ticks.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type FlakyBroker, flaky } from '../../support/flaky-broker.ts';

const START = Date.UTC(2026, 0, 1);
const QUEUE = 'maintenance';

const schedule = (part: Partial<Schedule> = {}): Schedule => ({
  ...{ name: 'purge', task: 'maintenance.purge', queue: QUEUE, priority: 4, input: '{"full":false}' },
  ...{ ticks: everyTicks(60_000), cron: null, everyMs: 60_000, jitterMs: 0 },
  ...{ missed: 'once', overlap: 'allow', resultTtlMs: undefined },
  ...part,
});

describe('the scheduler', () => {
  let clock: FakeClock;
  let inner: MemoryBroker;
  let broker: FlakyBroker;
  let schedulers: Scheduler[];

  beforeEach(() => {
    clock = new FakeClock(START);
    inner = new MemoryBroker({ clock });
    broker = flaky(inner);
    schedulers = [];
  });

  afterEach(async () => {
    await Promise.all(schedulers.map((scheduler) => scheduler.stop()));
    assert.equal(clock.pending, 0, 'a timer is left');
  });

  async function start(...schedules: Schedule[]): Promise<Scheduler> {
    const parts = { broker: broker.broker, clock, newId, log: silentLogger };
    const scheduler = new Scheduler({ schedules: () => schedules, ...parts });
    schedulers.push(scheduler);
    await scheduler.start();
    return scheduler;
  }

  const stored = async (queue = QUEUE) => {
    const jobs = await inner.list(queue, { state: 'ready', limit: 1_000 });
    return jobs.map(({ record }) => decodeJob(record));
  };

  /** The ids of the ticks so many minutes after the start. */
  const ids = (...minutes: number[]) =>
    minutes.map((minute) => tickId(QUEUE, 'purge', START + minute * 60_000));

  const storedIds = async () => (await stored()).map(({ id }) => id);

  it('stores the job of each tick when it comes', async () => {
    await start(schedule());
    await clock.advance(59_999);
    assert.deepEqual(await storedIds(), []);
    await clock.advance(1);
    assert.deepEqual(await storedIds(), ids(1));
    await clock.advance(180_000);
    assert.deepEqual(await storedIds(), ids(1, 2, 3, 4));
    const [job] = await stored();
    assert.deepEqual(
      [job?.task, job?.input, job?.priority, job?.unique, job?.keepResult],
      ['maintenance.purge', '{"full":false}', 4, null, false],
    );
  });

  it('keeps results where the queue does', async () => {
    await start(schedule({ resultTtlMs: 5_000 }));
    await clock.advance(60_000);
    const [job] = await stored();
    assert.deepEqual([job?.keepResult, job?.options], [true, { resultTtl: 5_000 }]);
  });

  it('fires each tick once when three daemons try', async () => {
    for (let daemon = 0; daemon < 3; daemon++) await start(schedule({ missed: 'all' }));
    await clock.advance(5 * 60_000);
    assert.deepEqual(await storedIds(), ids(1, 2, 3, 4, 5));
  });

  it('goes on where others have been, and they where it was', async () => {
    const first = await start(schedule());
    await clock.advance(60_000);
    await first.stop();
    await start(schedule());
    await clock.advance(60_000);
    assert.deepEqual(await storedIds(), ids(1, 2));
  });

  for (const [missed, expected] of [
    ['once', [1, 9, 10]],
    ['skip', [1, 9, 10]],
    ['all', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  ] as const) {
    it(`catches up after the broker was away, missed: ${missed}`, async () => {
      await start(schedule({ missed }));
      await clock.advance(60_000);
      broker.cut();
      await clock.advance(8 * 60_000 - 1_000);
      broker.mend();
      await clock.advance(61_000);
      assert.deepEqual(await storedIds(), ids(...expected));
    });
  }

  it('stores a job once when the answer is lost', async () => {
    await start(schedule());
    broker.lose('fire', 'reply', 2);
    await clock.advance(150_000);
    assert.deepEqual(await storedIds(), ids(1, 2));
  });

  it('fires the tick later when the request is lost', async () => {
    await start(schedule());
    broker.lose('fire', 'request', 2);
    await clock.advance(60_000);
    assert.deepEqual(await storedIds(), []);
    await clock.advance(2_000);
    assert.deepEqual(await storedIds(), ids(1));
  });

  it('starts without the broker, and from the time it is there', async () => {
    broker.cut();
    await start(schedule());
    await clock.advance(90_000);
    broker.mend();
    await clock.advance(20_000);
    assert.deepEqual(await storedIds(), []);
    await clock.advance(10_000);
    assert.deepEqual(await storedIds(), ids(2));
  });

  it('with overlap: skip, stores no job while the one before lives', async () => {
    const scheduler = await start(schedule({ overlap: 'skip' }));
    await clock.advance(3 * 60_000);
    const [job, ...others] = await stored();
    assert.deepEqual([job?.id, others.length], [ids(1)[0], 0]);
    const { watermark } = scheduler.show('purge', 1);
    assert.deepEqual(watermark, { tick: START + 3 * 60_000, holder: job?.id });
  });

  it('follows the clock of the broker, not its own', async () => {
    const ahead = { now: () => clock.now() + 30_000 };
    inner = new MemoryBroker({ clock: ahead });
    broker = flaky(inner);
    await start(schedule());
    await clock.advance(29_999);
    assert.deepEqual(await storedIds(), []);
    await clock.advance(1);
    assert.deepEqual(await storedIds(), ids(1));
  });

  it('does not spin, and fires nothing twice, when the clock of the broker is set back', async () => {
    let offset = 0;
    inner = new MemoryBroker({ clock: { now: () => clock.now() + offset } });
    broker = flaky(inner);
    await start(schedule({ missed: 'all' }));
    await clock.advance(120_000);
    offset = -90_000;
    await clock.advance(60_000);
    assert.deepEqual(await storedIds(), ids(1, 2));
    await clock.advance(90_000);
    assert.deepEqual(await storedIds(), ids(1, 2, 3));
  });

  it('waits for the jitter', async () => {
    const jittered = schedule({ jitterMs: 20_000 });
    const scheduler = await start(jittered);
    await clock.advance(1);
    const [next] = scheduler.show('purge', 1).next;
    assert(next !== undefined && next.dueAt > next.tick);
    await clock.advance(next.dueAt - clock.now() - 1);
    assert.deepEqual(await storedIds(), []);
    assert.equal(scheduler.show('purge', 1).next[0]?.tick, next.tick);
    await clock.advance(1);
    assert.deepEqual(await storedIds(), ids(1));
  });

  it('fires nothing from quiet on', async () => {
    const scheduler = await start(schedule());
    scheduler.quiet();
    await clock.advance(300_000);
    assert.deepEqual(await storedIds(), []);
    await scheduler.stop();
    await scheduler.stop();
  });

  it('takes other schedules in its place while it runs; one that stays is not disturbed', async () => {
    const scheduler = await start(schedule(), schedule({ name: 'gone' }));
    await clock.advance(60_000);
    assert.deepEqual((await storedIds()).length, 2);
    scheduler.replace([schedule(), schedule({ name: 'new', ticks: everyTicks(30_000), everyMs: 30_000 })]);
    await clock.advance(1);
    assert.deepEqual(scheduler.show('purge', 0).watermark, { tick: START + 60_000, holder: null });
    await clock.advance(59_999);
    const expected = [
      ...ids(1, 2),
      tickId(QUEUE, 'gone', START + 60_000),
      tickId(QUEUE, 'new', START + 90_000),
      tickId(QUEUE, 'new', START + 120_000),
    ];
    assert.deepEqual(new Set(await storedIds()), new Set(expected));
    scheduler.replace([]);
    assert.deepEqual(scheduler.list(1), []);
    await clock.advance(300_000);
    assert.equal((await storedIds()).length, expected.length);
    scheduler.quiet();
    scheduler.replace([schedule()]);
    assert.deepEqual(scheduler.list(1), []);
  });

  it('keeps firing the others when one cannot be', async () => {
    await start(schedule({ name: 'x'.repeat(2_000), overlap: 'skip' }), schedule());
    await clock.advance(60_000);
    assert.deepEqual(await storedIds(), ids(1));
  });

  it('lists its schedules with their next ticks', async () => {
    const scheduler = await start(schedule(), schedule({ name: 'hourly', ticks: everyTicks(3_600_000) }));
    await clock.advance(60_000);
    const [purge, hourly] = scheduler.list(2);
    assert.deepEqual(
      purge?.next.map(({ tick, dueAt }) => [tick - START, dueAt - START]),
      [
        [120_000, 120_000],
        [180_000, 180_000],
      ],
    );
    assert.equal(hourly?.next[0]?.tick, START + 3_600_000);
    assert.throws(() => scheduler.show('purg', 1), {
      code: 'ERR_SCHEDULE_UNKNOWN',
      message: /there are purge, hourly/,
    });
  });

  it('runs a job by hand beside the ticks; with overlap: skip only when none lives', async () => {
    const scheduler = await start(schedule({ overlap: 'skip' }));
    const first = await scheduler.run('purge');
    assert.deepEqual(await storedIds(), [first.id]);
    assert.equal(first.existing, false);
    assert.deepEqual(await scheduler.run('purge'), { id: first.id, existing: true, queue: QUEUE });
    await clock.advance(60_000);
    assert.deepEqual(await storedIds(), [first.id]);
    await assert.rejects(scheduler.run('other'), { code: 'ERR_SCHEDULE_UNKNOWN' });
    const free = await start(schedule({ name: 'free' }));
    assert.notEqual((await free.run('free')).id, (await free.run('free')).id);
    assert.equal(
      (await inner.list(QUEUE, { state: 'ready', limit: 9 })).map(({ record }) => recordId(record)).length,
      3,
    );
  });
});

import assert from 'node:assert/strict';
import { parseCron, type TickSource } from '../../../src/scheduler/cron.ts';
import { tickId } from '../../../src/scheduler/tick-id.ts';
import { CATCH_UP_LIMIT, dueAt, everyTicks, type Missed, plan } from '../../../src/scheduler/ticks.ts';

const DAY = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

const rule = (missed: Missed, ticks: TickSource = everyTicks(MINUTE), jitterMs = 0) => ({
  name: 'purge',
  ticks,
  jitterMs,
  missed,
});

/** What is fired, in minutes after DAY. */
const minutes = (ticks: readonly number[]) => ticks.map((tick) => (tick - DAY) / MINUTE);

describe('what of a schedule is due', () => {
  it('is nothing before the next tick', () => {
    assert.deepEqual(plan(rule('once'), DAY, DAY + MINUTE - 1), { fire: [], nextAt: DAY + MINUTE });
  });

  it('is each tick at its time', () => {
    const now = DAY + MINUTE;
    assert.deepEqual(plan(rule('once'), DAY, now), { fire: [now], nextAt: DAY + 2 * MINUTE });
  });

  for (const [missed, late, expected] of [
    ['once', 5 * MINUTE, [5]],
    ['once', 5 * MINUTE + 1, [5]],
    ['skip', 5 * MINUTE, [5]],
    ['skip', 5 * MINUTE + 59_999, [5]],
    ['all', 5 * MINUTE, [1, 2, 3, 4, 5]],
  ] as const) {
    it(`after ${late} ms of silence, missed: ${missed}, minutes ${expected}`, () => {
      const { fire, nextAt } = plan(rule(missed), DAY, DAY + late);
      assert.deepEqual(minutes(fire), expected);
      assert.equal(nextAt, DAY + 6 * MINUTE);
    });
  }

  it('with missed: skip, is not the tick of an hour that passed long ago', () => {
    const hourly = rule('skip', everyTicks(60 * MINUTE));
    assert.deepEqual(plan(hourly, DAY, DAY + 61 * MINUTE).fire, [DAY + 60 * MINUTE]);
    const late = plan(hourly, DAY, DAY + 61 * MINUTE + 1);
    assert.deepEqual(late, { fire: [], nextAt: DAY + 120 * MINUTE });
    assert.deepEqual(plan(hourly, DAY, DAY + 120 * MINUTE).fire, [DAY + 120 * MINUTE]);
  });

  it('with missed: all, is at most the last 100, also after years', () => {
    for (const ticks of [everyTicks(1_000), everyTicks(MINUTE), everyTicks(7 * 86_400_000)]) {
      const now = DAY + 3 * 365 * 86_400_000;
      const { fire } = plan(rule('all', ticks), DAY, now);
      assert.equal(fire.length, CATCH_UP_LIMIT);
      assert.equal(ticks.next(fire.at(-1)!)! > now, true);
      for (const [at, tick] of fire.entries()) if (at > 0) assert.equal(tick, ticks.next(fire[at - 1]!));
    }
  });

  it('follows a cron expression over the change of clocks', () => {
    const parsed = parseCron('30 2 * * *', 'Europe/Paris');
    assert('ticks' in parsed);
    const from = Date.parse('2026-03-27T12:00Z');
    const { fire } = plan(rule('all', parsed.ticks), from, from + 4 * 86_400_000);
    assert.deepEqual(
      fire.map((tick) => new Date(tick).toISOString().slice(5, 16)),
      ['03-28T01:30', '03-29T01:00', '03-30T00:30', '03-31T00:30'],
    );
  });

  it('is nothing of a schedule that lies ahead', () => {
    const { fire, nextAt } = plan(rule('all'), DAY + 10 * MINUTE, DAY);
    assert.deepEqual(fire, []);
    assert.equal(nextAt, DAY + 11 * MINUTE);
  });
});

describe('jitter', () => {
  const jittered = { name: 'purge', jitterMs: 10_000 };
  const ticks = Array.from({ length: 500 }, (_, n) => DAY + n * MINUTE);

  it('is the same in every daemon and lies within its bound', () => {
    const delays = ticks.map((tick) => dueAt(jittered, tick) - tick);
    assert.deepEqual(
      delays,
      ticks.map((tick) => dueAt({ ...jittered }, tick) - tick),
    );
    assert(delays.every((delay) => delay >= 0 && delay <= 10_000));
    assert(Math.min(...delays) < 500 && Math.max(...delays) > 9_500, 'it uses the whole of it');
  });

  it('differs between schedules and between ticks', () => {
    const other = ticks.map((tick) => dueAt({ ...jittered, name: 'other' }, tick) - tick);
    const same = ticks.filter((tick, at) => dueAt(jittered, tick) - tick === other[at]);
    assert(same.length < 5);
  });

  it('puts a tick off and leaves its nominal time', () => {
    const withJitter = rule('once', everyTicks(MINUTE), 10_000);
    const due = dueAt(withJitter, DAY + MINUTE);
    assert(due > DAY + MINUTE);
    assert.deepEqual(plan(withJitter, DAY, due - 1), { fire: [], nextAt: due });
    assert.deepEqual(plan(withJitter, DAY, due).fire, [DAY + MINUTE]);
  });
});

describe("the id of a tick's job", () => {
  it('follows from queue, schedule and tick, and tells the tick', () => {
    const id = tickId('maintenance', 'purge', DAY);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16), DAY);
    assert.equal(tickId('maintenance', 'purge', DAY), id);
    const others = [
      tickId('maintenance', 'purge', DAY + 1),
      tickId('maintenance', 'purge2', DAY),
      tickId('other', 'purge', DAY),
    ];
    assert.equal(new Set([id, ...others]).size, 4);
  });
});

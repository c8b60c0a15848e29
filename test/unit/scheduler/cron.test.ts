import assert from 'node:assert/strict';
import { parseCron } from '../../../src/scheduler/cron.ts';

/** The next ticks after a time, to the minute in UTC. */
function ticks(expression: string, timezone: string, after: string, count: number): string[] {
  const parsed = parseCron(expression, timezone);
  assert('ticks' in parsed, JSON.stringify(parsed));
  const found: string[] = [];
  let at = Date.parse(after);
  while (found.length < count) {
    const next = parsed.ticks.next(at);
    if (next === null) break;
    assert(next > at, 'a tick comes after the one before');
    assert.equal(next % 60_000, 0, 'a tick is a whole minute');
    found.push(new Date(next).toISOString().slice(5, 16));
    at = next;
  }
  return found;
}

const PARIS = 'Europe/Paris';
const NEW_YORK = 'America/New_York';

describe('cron', () => {
  describe('ticks on the wall clock', () => {
    for (const [what, expression, timezone, after, expected] of [
      ['every day', '30 3 * * *', PARIS, '2026-07-01T12:00Z', ['07-02T01:30', '07-03T01:30']],
      ['a tick itself is not after itself', '30 3 * * *', PARIS, '2026-07-02T01:30Z', ['07-03T01:30']],
      ['weekdays', '0 9 * * MON-FRI', 'UTC', '2026-05-01T08:00Z', ['05-01T09:00', '05-04T09:00']],
      ['the last day of the month', '0 0 L * *', 'UTC', '2026-02-01T00:00Z', ['02-28T00:00', '03-31T00:00']],
      ['either of day and weekday', '0 0 13 * 5', 'UTC', '2026-02-07T00:00Z', ['02-13T00:00', '02-20T00:00']],
      ['steps', '*/20 8-9 * * *', 'UTC', '2026-01-01T08:30Z', ['01-01T08:40', '01-01T09:00', '01-01T09:20']],
      ['a leap day', '0 0 29 2 *', 'UTC', '2026-01-01T00:00Z', ['02-29T00:00', '02-29T00:00']],
      [
        'a zone of half hours',
        '0 6 * * *',
        'Asia/Kolkata',
        '2026-01-01T00:00Z',
        ['01-01T00:30', '01-02T00:30'],
      ],
    ] as const) {
      it(`${what}: ${expression}`, () => {
        assert.deepEqual(ticks(expression, timezone, after, expected.length), expected);
      });
    }
  });

  describe('when clocks go forward', () => {
    for (const [what, expression, timezone, after, expected] of [
      [
        'Paris: 02:30 is not shown, so it ticks when 03:00 is',
        '30 2 * * *',
        PARIS,
        '2026-03-27T12:00Z',
        ['03-28T01:30', '03-29T01:00', '03-30T00:30'],
      ],
      [
        'New York: the same',
        '30 2 * * *',
        NEW_YORK,
        '2026-03-06T12:00Z',
        ['03-07T07:30', '03-08T07:00', '03-09T06:30'],
      ],
      [
        'several times that are not shown are one tick',
        '*/15 2 * * *',
        PARIS,
        '2026-03-28T12:00Z',
        ['03-29T01:00', '03-30T00:00', '03-30T00:15'],
      ],
      [
        'and are one with a time that is shown just then',
        '0,30 2,3 * * *',
        PARIS,
        '2026-03-28T12:00Z',
        ['03-29T01:00', '03-29T01:30', '03-30T00:00'],
      ],
      [
        'every hour that passes has its tick',
        '0 * * * *',
        PARIS,
        '2026-03-28T23:30Z',
        ['03-29T00:00', '03-29T01:00', '03-29T02:00'],
      ],
      [
        'a change of half an hour',
        '15 2 * * *',
        'Australia/Lord_Howe',
        '2026-10-02T12:00Z',
        ['10-02T15:45', '10-03T15:30', '10-04T15:15'],
      ],
    ] as const) {
      it(what, () => assert.deepEqual(ticks(expression, timezone, after, expected.length), expected));
    }
  });

  describe('when clocks go back', () => {
    for (const [what, expression, timezone, after, expected] of [
      [
        'Paris: 02:30 is shown twice and ticks the first time',
        '30 2 * * *',
        PARIS,
        '2026-10-23T12:00Z',
        ['10-24T00:30', '10-25T00:30', '10-26T01:30'],
      ],
      [
        'New York: 01:30 does the same',
        '30 1 * * *',
        NEW_YORK,
        '2026-10-30T12:00Z',
        ['10-31T05:30', '11-01T05:30', '11-02T06:30'],
      ],
      [
        'every time of the repeated hour ticks once',
        '*/30 2 * * *',
        PARIS,
        '2026-10-24T12:00Z',
        ['10-25T00:00', '10-25T00:30', '10-26T01:00'],
      ],
      [
        'every second hour of the wall clock',
        '0 */2 * * *',
        PARIS,
        '2026-10-24T21:30Z',
        ['10-24T22:00', '10-25T00:00', '10-25T03:00'],
      ],
      [
        'every hour that passes has its tick',
        '0 * * * *',
        NEW_YORK,
        '2026-11-01T04:30Z',
        ['11-01T05:00', '11-01T06:00', '11-01T07:00'],
      ],
    ] as const) {
      it(what, () => assert.deepEqual(ticks(expression, timezone, after, expected.length), expected));
    }

    it('the tick after the repeated hour is found from any time in it', () => {
      for (let minute = 31; minute < 120; minute++) {
        const after = new Date(Date.parse('2026-10-25T00:00Z') + minute * 60_000).toISOString();
        assert.deepEqual(ticks('30 2 * * *', PARIS, after, 1), ['10-26T01:30'], after);
      }
    });
  });

  it('has one daily tick for each day, in any zone', () => {
    for (const timezone of [PARIS, 'Australia/Lord_Howe', 'Africa/Casablanca']) {
      const parsed = parseCron('30 2 * * *', timezone);
      assert('ticks' in parsed);
      const [start, end] = [Date.UTC(2024, 0, 1, 12), Date.UTC(2026, 0, 1, 12)];
      let count = 0;
      for (let at = parsed.ticks.next(start); at !== null && at <= end; at = parsed.ticks.next(at))
        count += 1;
      assert.equal(count, 731, timezone);
    }
  });

  it('knows the shortest time between two ticks', () => {
    for (const [expression, minutes] of [
      ['* * * * *', 1],
      ['*/7 * * * *', 4],
      ['0,50 9-17 * * *', 10],
      ['0 0,23 1,28 * *', 60],
      ['0 0 13 * 5', 24 * 60],
      ['0 0 29 2 *', 4 * 365 * 24 * 60 + 24 * 60],
    ] as const) {
      const parsed = parseCron(expression, PARIS);
      assert('ticks' in parsed);
      assert.equal(parsed.shortestGapMs(), minutes * 60_000, expression);
    }
  });

  describe('says what is wrong', () => {
    for (const [expression, timezone, part, message] of [
      ['61 * * * *', PARIS, 'expression', /^minute 61 is out of range$/],
      ['0 24 * * *', PARIS, 'expression', /^hour 24 is out of range$/],
      ['0 0 * * 9', PARIS, 'expression', /^weekday 9 is out of range$/],
      ['* * * *', PARIS, 'expression', /^4 fields, write five/],
      ['0 30 3 * * *', PARIS, 'expression', /^6 fields, write five/],
      ['@daily', PARIS, 'expression', /write five/],
      ['? 0 * * *', PARIS, 'expression', /"\?" is no field/],
      ['x 0 * * *', PARIS, 'expression', /illegal/],
      ['*/0 * * * *', PARIS, 'expression', /stepping/],
      ['0 0 30 2 *', PARIS, 'expression', /^never fires/],
      ['0 0 31 4,6,9,11 *', PARIS, 'expression', /^never fires/],
      ['0 0 * * *', 'Europe/Pariss', 'timezone', /no time zone is named "Europe\/Pariss"/],
    ] as const) {
      it(`${expression} ${timezone}`, () => {
        const parsed = parseCron(expression, timezone);
        assert('problem' in parsed);
        assert.equal(parsed.part, part);
        assert.match(parsed.problem, message);
      });
    }
  });
});

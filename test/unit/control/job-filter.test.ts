import assert from 'node:assert/strict';
import fc from 'fast-check';
import { matchesJob, queuesOf, statesOf } from '../../../src/control/job-filter.ts';
import { parseJobFilter } from '../../../src/control/job-filter-parser.ts';
import type { StoredJobReport } from '../../../src/control/messages/jobs.ts';
import { matchesPattern } from '../../../src/control/text-pattern.ts';

const now = Date.parse('2026-01-02T12:00:00.000Z');

const ready: StoredJobReport = {
  schema: 'forkloop.job/1',
  id: '0198c0de-7a1b-7cc0-8000-0242ac120002',
  task: 'eta.fetch',
  queue: 'eta',
  state: 'ready',
  claims: 0,
  attempt: 1,
  failures: 0,
  crashes: 0,
  recoveries: 0,
  priority: 5,
  created_at: '2026-01-02T11:00:00.000Z', // 1 h ago
  due_at: null,
  died_at: null,
  expires_at: '2026-01-02T12:10:00.000Z', // in 10 min
  unique: 'order=7',
  error: null,
  task_loaded: null,
  progress: null,
};
const delayed: StoredJobReport = {
  ...ready,
  state: 'delayed',
  attempt: 3,
  failures: 2,
  due_at: '2026-01-02T12:00:30.000Z', // in 30 s
  expires_at: null,
  unique: null,
  error: { name: 'TypeError', message: 'fetch failed,\nrate limit "hard"' },
};
const dead: StoredJobReport = {
  ...delayed,
  state: 'dead',
  task: 'eta',
  due_at: null,
  died_at: '2026-01-02T10:00:00.000Z', // 2 h ago
};
const jobs = { ready, delayed, dead };

function filterOf(text: string) {
  const parsed = parseJobFilter(text);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem.message);
  return parsed.filter;
}

describe('what --where says', () => {
  for (const [text, expected] of [
    ['state=dead', 'dead'],
    ['state!=dead', 'ready delayed'],
    ['state=ready,dead', 'ready dead'],
    ['state!=ready,dead', 'delayed'],
    ['state=dead state=ready', ''],
    ['task=eta.*', 'ready delayed'],
    ['task=eta', 'dead'],
    ['task=*fetch', 'ready delayed'],
    ['task=e*a*h', 'ready delayed'],
    ['task=ETA', ''],
    ['task!=eta.*', 'dead'],
    ['queue=eta,geo', 'ready delayed dead'],
    ['queue=g*', ''],
    ['id=0198c0de-*', 'ready delayed dead'],
    ['unique=order=7', 'ready'],
    ['unique=*', 'ready'],
    ['unique!=*', 'delayed dead'],
    ['error=TypeError:*', 'delayed dead'],
    ['error="*rate limit \\"hard\\""', 'delayed dead'],
    ['error="*failed,*"', 'delayed dead'],
    ['error!=*', 'ready'],
    ['priority=5', 'ready delayed dead'],
    ['priority!=5', ''],
    ['attempt>=3', 'delayed dead'],
    ['attempt<3', 'ready'],
    ['failures=0,1', 'ready'],
    ['failures>2', ''],
    ['crashes<=0 recoveries=0', 'ready delayed dead'],
    ['age>30m', 'ready delayed dead'],
    ['age>1h', ''],
    ['age>=1h', 'ready delayed dead'],
    ['age<=1h', 'ready delayed dead'],
    ['due_in<1m', 'delayed'],
    ['due_in>=1m', ''],
    ['dead_for>90m', 'dead'],
    ['dead_for<1h', ''],
    ['expires_in<=10m', 'ready'],
    ['  state = dead   task  !=  eta.* ', 'dead'],
    ['state=dead\ttask=eta\n', 'dead'],
  ] as const) {
    it(`${JSON.stringify(text)} means ${expected || 'none'}`, () => {
      const filter = filterOf(text);
      const found = Object.entries(jobs).filter(([, job]) => matchesJob(filter, job, now));
      assert.equal(found.map(([name]) => name).join(' '), expected);
    });
  }

  it('tells which states and queues need not be read', () => {
    const queues = ['geo', 'eta', 'etc'];
    for (const [text, states, left] of [
      ['task=x', ['in_flight', 'ready', 'delayed', 'dead'], queues],
      ['state=dead,ready queue=et*', ['ready', 'dead'], ['eta', 'etc']],
      ['state!=dead state!=ready queue!=geo queue!=etc', ['in_flight', 'delayed'], ['eta']],
      ['state=dead state=ready queue=none', [], []],
    ] as const) {
      const filter = filterOf(text);
      assert.deepEqual([statesOf(filter), queuesOf(filter, queues)], [states, left], text);
    }
  });

  for (const [text, at, length, message] of [
    ['', 0, 1, /^it says nothing/],
    ['   ', 0, 1, /^it says nothing/],
    ['stat=dead', 0, 4, /^"stat" is no field$/],
    ['constructor=1', 0, 11, /^"constructor" is no field$/],
    ['state=dead =x', 11, 1, /^a field must stand here$/],
    ['state=dead AND task=x', 11, 3, /^leave out "AND": all terms must hold anyway$/],
    [
      'task=a or task=b',
      7,
      2,
      /^there is no "or": write several values with a comma, as in state=ready,dead$/,
    ],
    ['state', 5, 1, /^after state must come one of = !=$/],
    ['state dead', 6, 1, /^after state must come one of = !=$/],
    ['state<dead', 5, 1, /^state takes = != only$/],
    ['age=1h', 3, 1, /^age takes < <= > >= only$/],
    ['state=', 6, 1, /^a value for state must stand here$/],
    ['state=dead,', 11, 1, /^a value for state must stand here$/],
    ['state==dead', 6, 5, /^"=dead" is no state$/],
    ['task=x state=ready,deed', 19, 4, /^"deed" is no state$/],
    ['attempt>two', 8, 3, /^"two" is no whole number$/],
    ['attempt>-1', 8, 2, /^"-1" is no whole number$/],
    ['attempt>1,2', 9, 1, /^> takes one value/],
    ['age<5', 4, 1, /^"5" is no duration: write 30s, 5m, 1h or 2d$/],
    ['error="no end', 6, 7, /^this quotation mark is never closed$/],
    ['error="a"b', 9, 1, /^a blank must stand here/],
    ['error=a"b"', 7, 1, /^a blank must stand here/],
  ] as const) {
    it(`refuses ${JSON.stringify(text)} and points at the place`, () => {
      const parsed = parseJobFilter(text);
      assert.ok(!parsed.ok);
      assert.match(parsed.problem.message, message);
      assert.deepEqual([parsed.problem.at, parsed.problem.length], [at, length]);
    });
  }

  it('of any other text is refused within the text, or understood', () => {
    const parts = fc.constantFrom(
      'state',
      'age',
      '=',
      '<',
      '!=',
      'dead',
      '1h',
      '"',
      '\\',
      ',',
      ' ',
      '*',
      'é',
    );
    fc.assert(
      fc.property(fc.array(parts), (words) => {
        const text = words.join('');
        const parsed = parseJobFilter(text);
        if (parsed.ok) return;
        const { at, length } = parsed.problem;
        assert.ok(at >= 0 && at <= text.length && length >= 1);
      }),
    );
  });
});

describe('a pattern of texts', () => {
  for (const [pattern, text, expected] of [
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'a\nb', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*a*a*', 'a', false],
    ['*a*b*', 'xaybz', true],
    ['*a*b*', 'bxa', false],
    ['a.c', 'abc', false],
  ] as const) {
    it(`${JSON.stringify(pattern)} ${expected ? 'fits' : 'does not fit'} ${JSON.stringify(text)}`, () => {
      assert.equal(matchesPattern(pattern, text), expected);
    });
  }

  it('fits what the regular expression of the same meaning fits', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (pattern, word) => {
        const text = word.replaceAll('*', '');
        assert.equal(
          matchesPattern(pattern, text),
          new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text),
        );
      }),
    );
  });

  it('of many stars takes no longer', () => {
    assert.equal(matchesPattern(`${'*a'.repeat(2_000)}b`, 'a'.repeat(100_000)), false);
  }).timeout(20_000);
});

import assert from 'node:assert/strict';
import { type Header, readHeader, readStanding, rewrite } from '../../../src/broker/engine/header.ts';
import { placeReclaimed, placeSettled } from '../../../src/broker/engine/placement.ts';
import { DEAD, DELAYED, SUSPECTS } from '../../../src/broker/engine/shelf.ts';
import { decodeJob, encodeJob, type NewJob } from '../../../src/broker/job-record.ts';
import type { Settlement } from '../../../src/broker/messages/exchange.ts';

const ID = '01a206a1-4a68-7679-bfcb-a8d3f35dcbfe';
const ERROR = '{"name":"E","message":"m"}';
const NOW = 1_800_000_000_000;

const record = (part: Partial<NewJob> = {}): string =>
  encodeJob({
    ...{
      id: ID,
      task: 'a.b',
      priority: 7,
      keepResult: true,
      expiresAt: 42,
      unique: 'clé',
      input: '{"é":"\u{1f600}"}',
    },
    options: { headers: { a: 'ü' } },
    ...part,
  });

const headerOf = (text: string): Header => {
  const header = readHeader(text);
  assert(header);
  return header;
};

describe('a header', () => {
  it('tells what the whole record tells', () => {
    const text = rewrite(record(), { claims: 12, failures: 3, crashes: 2, recoveries: 1 }, ERROR);
    const { unique: _, ...job } = decodeJob(text);
    const { unique, ...header } = headerOf(text);
    assert.deepEqual(
      header,
      Object.fromEntries(Object.keys(header).map((key) => [key, job[key as keyof typeof job]])),
    );
    assert.equal(unique, 'cl\\u00e9');
    assert.deepEqual(readStanding(text.slice(0, 77)), { priority: 7, recoveries: 1 });
  });

  it('of what is no record is null', () => {
    const good = record();
    for (const text of [
      '',
      '{}',
      `2${good.slice(1)}`,
      good.slice(0, 76),
      good.slice(0, 80),
      good.replace('0', 'x'),
    ]) {
      assert.equal(readHeader(text), null, text);
    }
  });

  it('is rewritten without touching the rest, and its error is replaced, not added to', () => {
    const counters = { claims: 1, failures: 1, crashes: 0, recoveries: 0 };
    const once = rewrite(record(), counters, ERROR);
    const twice = rewrite(once, { ...counters, claims: 2 }, '{"name":"F","message":"other"}');
    const back = decodeJob(twice);
    assert.deepEqual(back, {
      ...decodeJob(record()),
      ...counters,
      claims: 2,
      error: { name: 'F', message: 'other' },
    });
    assert.equal(decodeJob(rewrite(twice, counters)).error?.name, 'F');
  });

  it('holds each counter at the largest number that fits', () => {
    const many = { claims: 1e9, failures: 1e9, crashes: 1e9, recoveries: 1e9 };
    const { claims, failures, crashes, recoveries } = headerOf(rewrite(record(), many));
    assert.deepEqual([claims, failures, crashes, recoveries], [9_999_999, 999, 99, 99]);
  });
});

describe('a settlement places a job', () => {
  const token = `${ID}:5`;
  type Case = [
    name: string,
    recoveries: number,
    Exclude<Settlement, { type: 'ack' }>,
    line: number,
    rank: unknown,
    counters: number[],
  ];
  const cases: Case[] = [
    [
      'a failure later',
      1,
      { type: 'retry', token, delayMs: 5, count: 'failure', error: ERROR },
      DELAYED,
      NOW + 5,
      [5, 2, 1, 0],
    ],
    [
      'a failure at once',
      1,
      { type: 'retry', token, delayMs: 0, count: 'failure', error: ERROR },
      17,
      'tail',
      [5, 2, 1, 0],
    ],
    [
      'a crash',
      1,
      { type: 'retry', token, delayMs: 0, count: 'crash', error: ERROR },
      17,
      'tail',
      [5, 1, 2, 1],
    ],
    [
      'a crash of a suspect',
      2,
      { type: 'retry', token, delayMs: 0, count: 'crash', error: ERROR },
      SUSPECTS,
      'tail',
      [5, 1, 2, 2],
    ],
    [
      'a second recovery',
      1,
      { type: 'retry', token, delayMs: 0, count: 'recovery', error: ERROR },
      SUSPECTS,
      'tail',
      [5, 1, 1, 2],
    ],
    ['a snooze', 3, { type: 'snooze', token, delayMs: 0 }, 17, 'tail', [5, 1, 1, 0]],
    ['a release', 1, { type: 'release', token }, 17, 'head', [5, 1, 1, 1]],
    ['a release of a suspect', 2, { type: 'release', token }, SUSPECTS, 'head', [5, 1, 1, 2]],
    ['a death', 2, { type: 'dead', token, count: 'none', error: ERROR }, DEAD, NOW, [5, 1, 1, 2]],
    ['a death by a crash', 2, { type: 'dead', token, count: 'crash', error: ERROR }, DEAD, NOW, [5, 1, 2, 2]],
  ];
  for (const [name, recoveries, settlement, line, rank, expected] of cases) {
    it(name, () => {
      const text = rewrite(record(), { claims: 4, failures: 1, crashes: 1, recoveries });
      const move = placeSettled({ key: 1, record: text, header: headerOf(text) }, settlement, NOW);
      const { claims, failures, crashes, recoveries: after } = headerOf(move.record ?? '');
      assert.deepEqual([move.line, move.rank, [claims, failures, crashes, after]], [line, rank, expected]);
    });
  }

  it('of a daemon that is gone at the head, the second time among the suspects', () => {
    const first = placeReclaimed({ key: 1, record: record(), header: headerOf(record()) });
    assert.deepEqual([first.line, first.rank], [17, 'head']);
    const text = first.record ?? '';
    const second = placeReclaimed({ key: 1, record: text, header: headerOf(text) });
    assert.deepEqual([second.line, headerOf(second.record ?? '').claims], [SUSPECTS, 2]);
  });
});

import assert from 'node:assert/strict';
import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { followLines, readTail } from '../../../src/cli/log-follower.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { until } from '../../support/until.ts';

/** Looks often. */
const clock: Clock = { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(1, signal) };

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fl-'));
  path = join(folder, 'f.log');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the last lines of a log file', () => {
  const tail = async (text: string, count: number, matches: (line: string) => boolean = () => true) => {
    writeFileSync(path, text);
    const file = await open(path, 'r');
    try {
      return await readTail(file, count, matches);
    } finally {
      await file.close();
    }
  };

  const table: [string, string, number, string[], number][] = [
    ['none of an empty file', '', 3, [], 0],
    ['all of a short one', 'a\nb\n', 3, ['a', 'b'], 4],
    ['as many as asked for', 'a\nb\nc\n', 2, ['b', 'c'], 6],
    ['none, but where they end', 'a\nb\n', 0, [], 4],
    ['without the one that has no end yet', 'a\nb', 3, ['a'], 2],
    ['nothing while the first has no end yet', 'ab', 3, [], 0],
  ];
  for (const [what, text, count, lines, end] of table)
    it(`are ${what}`, async () => assert.deepEqual(await tail(text, count), { lines, end }));

  it('are those that match, however far back', async () => {
    const text = Array.from({ length: 50_000 }, (_, n) => `line ${n}\n`).join('');
    const { lines } = await tail(text, 2, (line) => line.endsWith('0000'));
    assert.deepEqual(lines, ['line 30000', 'line 40000']);
  });

  it('are the same as reading it all, whatever the length of lines', async () => {
    const line = fc.integer({ min: 0, max: 100_000 }).map((length) => 'ä'.repeat(length));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 8 }),
        fc.integer({ min: 0, max: 9 }),
        async (all, count) => {
          const { lines } = await tail(all.map((text) => `${text}\n`).join(''), count);
          assert.deepEqual(lines, count === 0 ? [] : all.slice(-count));
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('following a log file', () => {
  /** The lines seen so far; `end` stops it. */
  async function follow(position = 0, there = true) {
    const seen: string[] = [];
    const stop = new AbortController();
    const file = there ? await open(path, 'r') : null;
    const done = (async () => {
      for await (const line of followLines({ path, file, position, clock, signal: stop.signal }))
        seen.push(line);
    })();
    const end = async () => {
      stop.abort();
      await done;
    };
    return { seen, end, has: (count: number) => until(() => seen.length >= count) };
  }

  it('waits for a file that is not there, and for the end of a line', async () => {
    const { seen, has, end } = await follow(0, false);
    writeFileSync(path, 'one\ntw');
    await has(1);
    appendFileSync(path, 'o\nthree\n');
    await has(3);
    assert.deepEqual(seen, ['one', 'two', 'three']);
    await end();
  });

  it('reads what the old file still gets after it was moved away, until the new one has content', async () => {
    writeFileSync(path, 'old 1\n');
    const { seen, has, end } = await follow();
    await has(1);
    renameSync(path, `${path}.1`);
    writeFileSync(path, '');
    appendFileSync(`${path}.1`, 'old 2\n');
    await has(2);
    appendFileSync(`${path}.1`, 'old 3\n');
    appendFileSync(path, 'new 1\n');
    await has(4);
    appendFileSync(path, 'new 2\n');
    await has(5);
    assert.deepEqual(seen, ['old 1', 'old 2', 'old 3', 'new 1', 'new 2']);
    await end();
  });

  it('begins again with a file that was made empty', async () => {
    writeFileSync(path, 'before 1\nbefore 2\n');
    const { seen, has, end } = await follow(9);
    await has(1);
    truncateSync(path);
    appendFileSync(path, 'after\n');
    await has(2);
    assert.deepEqual(seen, ['before 2', 'after']);
    await end();
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LINE_LIMIT, LineSplitter } from '../../../src/pool/host/lines.ts';

function split(chunks: readonly (string | Buffer)[]) {
  const lines: [string, string | null][] = [];
  const splitter = new LineSplitter((line, token) => lines.push([line, token]));
  for (const chunk of chunks) splitter.write(Buffer.from(chunk));
  splitter.end();
  return { lines, lastWords: splitter.lastWords };
}

describe('lines of a worker', () => {
  it('are the same however the text is cut into chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' })),
        fc.integer({ min: 1, max: 7 }),
        (texts, size) => {
          const whole = Buffer.from(texts.map((text) => text.replaceAll(/[^\P{Cc}]/gu, '')).join('\n'));
          const chunks = [];
          for (let at = 0; at < whole.length; at += size) chunks.push(whole.subarray(at, at + size));
          assert.deepEqual(split(chunks).lines, split([whole]).lines);
        },
      ),
    );
  });

  it('are told with the job that printed them, without its mark', () => {
    const { lines, lastWords } = split(['\u001et1\u001eone\n\u001et2\u001etwo\r\nthree\n\nfour']);
    assert.deepEqual(lines, [
      ['one', 't1'],
      ['two', 't2'],
      ['three', null],
      ['', null],
      ['four', null],
    ]);
    assert.equal(lastWords, 'one\ntwo\nthree\n\nfour');
  });

  it('have at most 8 KiB; the pieces of a longer one keep its job', () => {
    const { lines } = split([`\u001et1\u001e${'x'.repeat(20_000)}`, `${'y'.repeat(3 * LINE_LIMIT)}\nend`]);
    assert.equal(
      lines.map(([line]) => line).join(''),
      `${'x'.repeat(20_000)}${'y'.repeat(3 * LINE_LIMIT)}end`,
    );
    for (const [line] of lines) assert(line.length <= LINE_LIMIT);
    assert(lines.slice(0, -1).every(([, token]) => token === 't1'));
    assert.deepEqual(lines.at(-1), ['end', null]);
  });

  it('leave the last 8 KiB as last words', () => {
    const { lastWords } = split(
      Array.from({ length: 1_000 }, (_, number) => `${'z'.repeat(50)} line ${number}\n`),
    );
    assert(lastWords.length <= 8 * 1024);
    assert.match(lastWords, /line 999$/);
  });
});

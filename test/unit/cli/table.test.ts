import assert from 'node:assert/strict';
import {
  type Column,
  cleanLines,
  cleanText,
  cutText,
  renderTable,
  textWidth,
} from '../../../src/cli/table.ts';

interface Row {
  name: string;
  count: number;
}

const columns: Column<Row>[] = [
  { header: 'NAME', value: ({ name }) => name, shrink: true },
  { header: 'COUNT', value: ({ count }) => String(count), align: 'right' },
];

const rows: Row[] = [
  { name: 'geo', count: 7 },
  { name: 'a-much-longer-name', count: 12345 },
];

const wide = { width: Number.POSITIVE_INFINITY };

describe('table', () => {
  it('aligns columns under their headers, numbers to the right', () => {
    assert.deepEqual(renderTable(columns, rows, wide).split('\n'), [
      'NAME                COUNT',
      'geo                     7',
      'a-much-longer-name  12345',
    ]);
  });

  it('shows the headers alone when there are no rows', () => {
    assert.equal(renderTable(columns, [], wide), 'NAME  COUNT');
  });

  it('cuts only columns that may shrink, so that lines fit the terminal', () => {
    const lines = renderTable(columns, rows, { width: 20 }).split('\n');
    assert.deepEqual(lines, ['NAME           COUNT', 'geo                7', 'a-much-longe…  12345']);
    for (const line of lines) assert.ok(textWidth(line) <= 20, line);
  });

  it('never cuts a column below eight characters, however narrow the terminal is', () => {
    assert.match(renderTable(columns, rows, { width: 5 }), /^a-much-… {2}12345$/m);
  });

  it('leaves no blanks at the ends of lines', () => {
    const left: Column<Row>[] = [
      { header: 'A', value: ({ name }) => name },
      { header: 'B', value: () => '' },
    ];
    for (const line of renderTable(left, rows, wide).split('\n')) assert.equal(line, line.trimEnd());
  });

  it('counts colours as no width', () => {
    const painted = columns.map((column) => ({
      ...column,
      paint: (text: string) => `\x1b[31m${text}\x1b[39m`,
    }));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: takes the colours away
    const plain = renderTable(painted, rows, wide).replace(/\x1b\[\d+m/g, '');
    assert.equal(plain, renderTable(columns, rows, wide));
  });

  it('shows cells of hostile text on one line, without escape sequences', () => {
    const text = renderTable(columns, [{ name: 'a\x1b[2Jb\r\nc\td\u202ee\x9b1m', count: 1 }], wide);
    assert.equal(text.split('\n')[1], 'a [2Jb c d e 1m      1');
  });
});

describe('text for a terminal', () => {
  for (const [text, width] of [
    ['plain', 5],
    ['', 0],
    ['zażółć', 6],
    ['e\u0301', 1],
    ['日本', 4],
    ['👍', 2],
  ] as const) {
    it(`${JSON.stringify(text)} takes ${width} columns`, () => assert.equal(textWidth(text), width));
  }

  for (const [text, width, cut] of [
    ['short', 5, 'short'],
    ['longer', 5, 'long…'],
    ['日本語', 4, '日…'],
    ['日本', 4, '日本'],
  ] as const) {
    it(`${JSON.stringify(text)} cut to ${width} is ${JSON.stringify(cut)}`, () =>
      assert.equal(cutText(text, width), cut));
  }

  it('keeps line breaks only where several lines are wanted', () => {
    assert.equal(cleanText('a\n  b'), 'a b');
    assert.equal(cleanLines('a\n\tb\x07'), 'a\n  b ');
  });
});

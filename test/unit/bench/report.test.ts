import assert from 'node:assert/strict';
import { barsTable } from '../../../bench/src/report/bars.ts';
import { short, tickText } from '../../../bench/src/report/numbers.ts';
import type { Plot } from '../../../bench/src/report/plot.ts';
import { renderReport } from '../../../bench/src/report/report.ts';

const plots: readonly Plot[] = [
  { type: 'strip', title: 'rates <b>', unit: 'jobs/s', rows: [{ label: 'A & B', values: [1, 3, 2] }] },
  {
    type: 'distribution',
    title: 'times',
    unit: 'ms',
    series: [
      { label: 'A', values: [5, 1, 3] },
      { label: 'B', values: [] },
    ],
  },
  {
    type: 'line',
    title: 'costs',
    unit: 'µs',
    x: 'jobs',
    series: [
      {
        label: 'A',
        points: [
          [10, 1],
          [1_000, Number.NaN],
          [100, 2],
        ],
      },
    ],
  },
];

describe("the benchmark's report", () => {
  const suite = { name: 'some', title: 'Some suite', run: () => Promise.reject(new Error('unused')) };
  const bars = [
    { bar: 'fast ≥ 5 ×', figure: '6 ×', met: true },
    { bar: 'small', figure: '9', met: false },
    { bar: 'large', figure: '–', met: null },
  ];
  const facts = { machine: '2 cores', at: '2026-01-02T03:04:05.000Z', quick: false, seed: 1 };

  it('needs nothing from elsewhere and has no hole where a value is missing', () => {
    const html = renderReport([{ suite, findings: { tables: [], plots, bars, notes: ['x < y'] } }], facts);
    assert.doesNotMatch(html, /https?:|<script|<link|@import|url\(/);
    assert.doesNotMatch(html, /NaN|Infinity|undefined/);
    assert.match(html, /rates &lt;b&gt;/);
    assert.match(html, /A &amp; B/);
    assert.equal(html.match(/<svg/g)?.length, 3);
    assert.match(html, /prefers-color-scheme: dark/);
  });

  it('tells of each bar whether it was met, missed or not measured', () => {
    assert.deepEqual(
      barsTable('Bars', bars).rows.map((row) => row[2]),
      ['yes', 'NO', 'not measured'],
    );
  });
});

describe("the benchmark's numbers", () => {
  it('have three digits that mean something', () => {
    assert.deepEqual([0.456, 4.714, 47.14, 471.4, 9_994, 12_345, 1_234_567, Number.NaN].map(short), [
      '0.46',
      '4.71',
      '47.1',
      '471',
      '9994',
      '12.3 k',
      '1.23 M',
      '–',
    ]);
    assert.deepEqual([0, 5, 10_000, 2.5].map(tickText), ['0', '5', '10 k', '2.50']);
  });
});

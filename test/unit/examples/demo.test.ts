import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { cumulativeChart, stepFor } from '../../../examples/tracking/demo/chart.ts';
import { makeLoad, ratesFor, workersFor } from '../../../examples/tracking/demo/load.ts';
import { parseOptions } from '../../../examples/tracking/demo/options.ts';
import { Progress } from '../../../examples/tracking/demo/progress.ts';
import { renderReport } from '../../../examples/tracking/demo/report.ts';
import {
  ALL,
  CATEGORIES,
  percentile,
  type Run,
  summarize,
  timesFaster,
  typical,
} from '../../../examples/tracking/demo/statistics.ts';
import { renderTable } from '../../../examples/tracking/demo/table.ts';
import { formatMs, formatTimes, wrap } from '../../../examples/tracking/demo/text.ts';
import { generateTrace } from '../../../examples/tracking/trace/generate.ts';

/** A run in which each job of these kinds took so long. */
function run(mode: Run['mode'], cpuMs: number, ioMs: number): Run {
  const label = mode === 'both' ? 'both' : `${mode} pool alone`;
  const completions = [
    ...Array.from({ length: 10 }, (_, i) => ({
      kind: 'cpu' as const,
      plannedAt: 100 * i,
      doneAt: 100 * i + cpuMs,
    })),
    ...Array.from({ length: 30 }, (_, i) => ({
      kind: 'io' as const,
      plannedAt: 30 * i,
      doneAt: 30 * i + ioMs,
    })),
    { kind: 'upkeep' as const, plannedAt: 500, doneAt: 500 + ioMs },
  ];
  return { mode, label, completions, failures: [] };
}

const runs = [[run('process', 20_000, 18_000)], [run('async', 3_000, 2_500)], [run('both', 90, 180)]];

describe("the demo's load", () => {
  const options = {
    seed: 5,
    seconds: 9,
    rates: ratesFor(2, 60),
    traces: [generateTrace({ seed: 1, points: 10 }), generateTrace({ seed: 2, points: 10 })],
  };

  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(makeLoad(options), makeLoad(options));
    const times = (seed: number) => makeLoad({ ...options, seed }).map(({ at }) => at);
    assert.notDeepEqual(times(5), times(6));
  });

  it('arrives in order, within its time, as often as said', () => {
    const load = makeLoad(options);
    const count = (kind: string) => load.filter((arrival) => arrival.kind === kind).length;
    assert.deepEqual([count('cpu'), count('io'), count('upkeep')], [180, 360, 9]);
    for (const [i, { at }] of load.entries()) {
      assert.ok(at > 0 && at < 9_000);
      assert.ok(i === 0 || at >= load[i - 1]!.at);
    }
  });

  it('asks for more than one core and less than all', () => {
    for (const workers of [2, 3, 4]) {
      const used = (ratesFor(workers, 70).cpu * 70) / 1_000;
      assert.ok(used > 1 && used < workers, `${used} of ${workers} cores`);
    }
  });

  for (const [cores, workers] of [
    [1, 1],
    [2, 2],
    [4, 4],
    [64, 4],
  ] as const) {
    it(`gives ${cores} cores ${workers} workers`, () => assert.equal(workersFor(cores), workers));
  }
});

describe("the demo's numbers", () => {
  for (const [share, value] of [
    [0.5, 5],
    [0.95, 10],
    [1, 10],
    [0.1, 1],
    [0.11, 2],
    [0, 1],
  ] as const) {
    it(`finds ${value} for the share ${share} of 1 to 10`, () => {
      assert.equal(percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], share), value);
    });
  }

  it('count maintenance among all jobs only', () => {
    const counts = CATEGORIES.map((category) => summarize(runs[2]![0]!, category).count);
    assert.deepEqual(counts, [10, 30, 41]);
  });

  it('compare means', () => {
    const [io] = CATEGORIES.slice(1);
    assert.equal(timesFaster(runs[2]![0]!, runs[1]![0]!, io), 2_500 / 180);
  });

  it('take the middle run of several', () => {
    const repeated = [run('both', 90, 300), run('both', 90, 100), run('both', 90, 200)];
    assert.equal(typical(repeated), repeated[2]);
    assert.equal(summarize(typical(repeated.slice(0, 2)), ALL).p50, 100);
  });

  for (const [ms, text] of [
    [0.4, '0 ms'],
    [87.4, '87 ms'],
    [999.6, '1.00 s'],
    [1_240, '1.24 s'],
    [9_996, '10.0 s'],
    [123_456, '123.5 s'],
  ] as const) {
    it(`are written as ${text}`, () => assert.equal(formatMs(ms), text));
  }

  for (const [factor, text] of [
    [0.5, '0.5×'],
    [9.94, '9.9×'],
    [9.96, '10×'],
    [123.4, '123×'],
  ] as const) {
    it(`are compared as ${text}`, () => assert.equal(formatTimes(factor), text));
  }
});

describe("the demo's table", () => {
  for (const [name, modes] of [
    ['one run', runs],
    ['five runs', runs.map(([run]) => Array(5).fill(run) as Run[])],
  ] as const) {
    it(`fits 80 columns with ${name} of each mode`, () => {
      const lines = renderTable(modes).split('\n');
      for (const line of lines) assert.ok(line.length <= 80, line);
      assert.ok(
        lines.includes('both: 17× faster on average than async pool alone (CPU 33×, I/O 14×)'),
        lines.join('\n'),
      );
      assert.ok(lines.some((line) => /^ {2}both +90 ms +90 ms +90 ms +90 ms$/.test(line)));
    });
  }

  it('has its words wrapped', () => {
    assert.equal(wrap(['one two three', 'four'], 8), 'one two\nthree\nfour\n');
  });
});

describe("the demo's report", () => {
  const html = renderReport(runs, { load: '1 < 2 & "3"', machine: '2 cores', seed: 1, at: 0 });

  it('needs nothing but itself', () => {
    assert.doesNotMatch(html, /<script|<link|<img|@import|url\(|https?:/);
    assert.equal(html.match(/<svg /g)?.length, 3);
  });

  it('shows what the table shows, and text as text', () => {
    assert.match(html, /<em>17×<\/em> faster on average than the async pool alone/);
    assert.match(html, /1 &lt; 2 &amp; &quot;3&quot;/);
    assert.doesNotMatch(html, /NaN|undefined|Infinity/);
  });

  it('draws a line from nothing to all, to the end of the time', () => {
    const svg = cumulativeChart('x', [0, 100], [{ name: 'both', times: [500, 1_000] }], 1_000);
    assert.match(svg, /class="line both" d="M40 198H194V105H348V12"/);
    assert.match(svg, /<circle class="dot both" cx="348" cy="12"/);
  });

  for (const [range, step] of [
    [46, 10],
    [12, 2],
    [1.5, 0.5],
    [7, 2],
    [100, 20],
  ] as const) {
    it(`marks ${range} seconds every ${step}`, () => assert.equal(stepFor(range), step));
  }
});

describe("the demo's progress", () => {
  function progressOf(isTTY: boolean) {
    const out = Object.assign(new PassThrough(), { isTTY });
    const progress = new Progress(out);
    progress.start('both', 200);
    for (let i = 0; i < 200; i++) progress.step();
    progress.end();
    return out.read().toString() as string;
  }

  it('is a line for each tenth without a terminal', () => {
    const lines = progressOf(false).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => /(\d+)%/.exec(line)?.[1]),
      ['0', '10', '20', '30', '40', '50', '60', '70', '80', '90', '100'],
    );
  });

  it('is one line on a terminal', () => {
    const text = progressOf(true);
    assert.equal(text.match(/\n/g)?.length, 1);
    assert.match(text, /^\r[^\n]*100% {2}200\/200 [^\n]* s\n$/);
  });
});

describe("the demo's options", () => {
  it('have defaults', () => {
    assert.deepEqual(parseOptions([]), {
      quick: false,
      seed: 1,
      data: null,
      repeat: 1,
      report: 'demo-report.html',
    });
    assert.equal(parseOptions(['--help']), 'help');
  });

  for (const args of [['--seed', '-1'], ['--seed', 'x'], ['--repeat', '0'], ['--fast'], ['here']]) {
    it(`refuse ${args.join(' ')}`, () => assert.throws(() => parseOptions(args)));
  }
});

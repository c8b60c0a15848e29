import assert from 'node:assert/strict';
import { ProgressBar, renderBar } from '../../../src/cli/progress-bar.ts';
import { textWidth } from '../../../src/cli/table.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { CapturedStream } from '../../support/captured-stream.ts';

describe('progress bar', () => {
  for (const [fraction, text, width, expected] of [
    [0, 'x', 30, '[-------------------]   0%  x'],
    [0.5, 'x', 30, '[#########----------]  50%  x'],
    [1, 'x', 30, '[###################] 100%  x'],
    [0.999, 'x', 30, '[##################-]  99%  x'],
    [7, 'x', 30, '[###################] 100%  x'],
    [null, '12 enqueued', 30, '12 enqueued'],
    [0.5, 'too little room', 20, ' 50%  too little ro…'],
  ] as const) {
    it(`shows ${fraction} in ${width} columns as ${JSON.stringify(expected)}`, () => {
      const bar = renderBar({ fraction, text }, width);
      assert.equal(bar, expected);
      assert.ok(textWidth(bar) <= width);
    });
  }

  it('draws at most ten times a second, and leaves nothing behind', () => {
    let now = 0;
    const stream = new CapturedStream({ columns: 40 });
    const bar = new ProgressBar(stream, { ...systemClock, monotonic: () => now });
    for (; now < 1_000; now += 10) bar.update(() => ({ fraction: now / 1_000, text: 'x' }));
    assert.equal(stream.text.split('\r').length - 1, 10);
    bar.erase();
    assert.equal(stream.screen, '');
    bar.erase();
    assert.equal(stream.text.split('\r').length - 1, 11);
  });
});

import assert from 'node:assert/strict';
import { ProgressBar, renderBar } from '../../../src/cli/progress-bar.ts';
import { textWidth } from '../../../src/cli/table.ts';
import { CapturedStream } from '../../support/captured-stream.ts';
import { FakeClock } from '../../support/fake-clock.ts';

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

  it('draws at most ten times a second', async () => {
    const { clock, stream, bar, draws } = scene();
    for (let at = 0; at < 100; at++) {
      bar.update(() => ({ fraction: at / 100, text: 'x' }));
      await clock.advance(10);
    }
    assert.ok(draws() >= 9 && draws() <= 11, `${draws()} times`);
    assert.match(stream.screen, /99% {2}x$/);
  });

  it('draws the last state though it came soon after another', async () => {
    const { clock, stream, bar, draws } = scene();
    for (const text of ['first', 'second', 'last']) bar.update(() => ({ fraction: null, text }));
    assert.equal(stream.screen, 'first');
    await clock.advance(100);
    assert.equal(stream.screen, 'last');
    assert.equal(draws(), 2);
  });

  it('leaves nothing behind when it is erased, nor comes back', async () => {
    const { clock, stream, bar, draws } = scene();
    bar.update(() => ({ fraction: null, text: 'x' }));
    bar.update(() => ({ fraction: null, text: 'y' }));
    bar.erase();
    bar.erase();
    await clock.advance(1_000);
    assert.equal(stream.screen, '');
    assert.equal(draws(), 2);
  });
});

function scene() {
  const clock = new FakeClock();
  const stream = new CapturedStream({ columns: 40 });
  const bar = new ProgressBar(stream, clock);
  return { clock, stream, bar, draws: () => stream.text.split('\r').length - 1 };
}

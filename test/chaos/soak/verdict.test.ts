import assert from 'node:assert/strict';
import type { ProcessSample } from './probe.ts';
import { compare, type Held, middle } from './verdict.ts';

const sample = (more: Partial<ProcessSample> = {}): ProcessSample => ({
  name: 'daemon0',
  pid: 7,
  heldBytes: 50_000_000,
  rssBytes: 100_000_000,
  fds: 40,
  processes: 4,
  workersBytes: 0,
  ...more,
});
const held = (more: Partial<Held> = {}): Held => ({
  working: [sample()],
  resting: [sample()],
  store: { entries: 12, bytes: 2_000_000 },
  ...more,
});
const working = (more: Partial<ProcessSample>) => held({ working: [sample(more)] });
const resting = (more: Partial<ProcessSample>) => held({ resting: [sample(more)] });
const notBack = (after: Held): string[] =>
  compare(held(), after)
    .filter(({ isBack }) => !isBack)
    .map(({ what }) => what);

describe('the verdict of a soak', () => {
  it('lets pass what is within 5 %, and less memory than before', () => {
    assert.deepEqual(notBack(resting({ heldBytes: 53_000_000, rssBytes: 104_900_000, fds: 42 })), []);
  });

  const leaks: readonly (readonly [string, Held])[] = [
    ['daemon0: resident, working', working({ rssBytes: 105_100_000 })],
    ['daemon0: resident, resting', resting({ rssBytes: 105_100_000 })],
    ['daemon0: descriptors', resting({ fds: 43 })],
    ['daemon0: processes', resting({ processes: 5 })],
    ['daemon0: processes', resting({ processes: 3 })],
    ['keys or rows', held({ store: { entries: 13, bytes: 2_000_000 } })],
    ['stored bytes', held({ store: { entries: 12, bytes: 2_200_000 } })],
  ];
  for (const [index, [what, after]] of leaks.entries()) {
    it(`tells of ${what} (${index + 1})`, () => {
      assert.deepEqual(notBack(after), [what]);
    });
  }

  it('holds against a daemon that was killed what it has at rest only', () => {
    assert.deepEqual(notBack(working({ pid: 8, rssBytes: 150_000_000 })), []);
    assert.deepEqual(notBack(resting({ pid: 8, rssBytes: 150_000_000 })), ['daemon0: resident, resting']);
  });

  it('tells of a daemon that is not there any more', () => {
    assert.equal(notBack(held({ working: [], resting: [] })).length, 6);
  });

  it('takes the middle of what was seen of the process that is there in the end', () => {
    const seen = [1, 9, 2, 8, 3].map((heldBytes) => [sample({ heldBytes })]);
    assert.equal(middle([[sample({ pid: 6, heldBytes: 99 })], ...seen])[0]?.heldBytes, 3);
  });
});

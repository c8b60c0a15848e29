import assert from 'node:assert/strict';
import { failureText, timeoutText } from '../../../src/cli/enqueue-each.ts';
import type { StreamTotals } from '../../../src/cli/enqueue-stream.ts';

const source = { name: 'trips.ndjson', totalBytes: null, open: () => assert.fail('nothing is read') };
const totals: StreamTotals = {
  ...{ enqueued: 0, printed: 0, printedBytes: 0, notCompleted: 0, pending: 0, unsure: 0 },
  ...{ gaveUp: true, allRead: false, failure: null },
};

describe('enqueue --each says what became of the lines', () => {
  for (const [before, after, unsure, text] of [
    [0, 0, 0, 'nothing was enqueued'],
    [1, 0, 0, 'the 1 before it is enqueued, nothing after it'],
    [2_000, 0, 0, 'the 2,000 before it are enqueued, nothing after it'],
    [2, 256, 0, 'the 2 before it and 256 after it are enqueued'],
    [0, 256, 0, 'nothing before it, but 256 after it are enqueued'],
    [0, 0, 1, 'nothing is enqueued for certain; 1 line is perhaps enqueued: the broker has not answered'],
    [
      ...([3, 0, 256] as const),
      'the 3 before it are enqueued; 256 lines are perhaps enqueued: the broker has not answered',
    ],
  ] as const) {
    it(text, () => {
      const error = new Error('no room');
      const failure = { line: 5, error, enqueued: false, enqueuedBefore: before, enqueuedAfter: after };
      assert.equal(failureText(failure, source, unsure), `trips.ndjson:5: no room (${text})`);
    });
  }

  for (const [pending, unsure, text] of [
    [0, 0, 'not all lines were enqueued by --timeout'],
    [1, 0, '1 job had not ended at --timeout; they go on'],
    [0, 2, 'at --timeout 2 lines are perhaps enqueued: the broker has not answered'],
  ] as const) {
    it(text, () => assert.equal(timeoutText({ ...totals, pending, unsure }), text));
  }
});

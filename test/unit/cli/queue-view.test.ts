import assert from 'node:assert/strict';
import pc from 'picocolors';
import { queueTable, queueView } from '../../../src/cli/queue-view.ts';
import type { StoredQueueReport } from '../../../src/control/messages/queues.ts';

const now = Date.parse('2026-01-02T03:05:00.000Z');
const options = { colors: pc.createColors(false), width: 80, now, wide: false };
const counters = {
  enqueued: 12_345,
  completed: 9,
  retried: 1,
  dead: 2,
  expired: 0,
  cancelled: 0,
  refused: 0,
  reclaimed: 3,
};
const open: StoredQueueReport = {
  schema: 'forkloop.queue/1',
  name: 'eta',
  pool: 'io',
  paused: false,
  paused_since: null,
  ready: 1_200,
  delayed: 3,
  in_flight: 4,
  dead: 2,
  oldest_ready_seconds: 75,
  counters,
};
const paused: StoredQueueReport = {
  ...open,
  name: 'geo',
  paused: true,
  paused_since: '2026-01-02T03:04:00.000Z',
  dead: 0,
  oldest_ready_seconds: null,
};

describe('queues for people', () => {
  it('are a table', () => {
    assert.deepEqual(queueTable([open, paused], options).split('\n'), [
      'QUEUE  POOL  STATE   READY  DELAYED  IN FLIGHT  DEAD  OLDEST',
      'eta    io    open    1,200        3          4     2  1m 15s',
      'geo    io    paused  1,200        3          4     0       -',
    ]);
  });

  it('have counters in the wide table', () => {
    const [head, line] = queueTable([open], { ...options, wide: true }).split('\n');
    assert.match(head ?? '', / OLDEST {2}ENQUEUED {2}COMPLETED {2}RETRIED {2}DIED$/);
    assert.match(line ?? '', / 12,345 +9 +1 +2$/);
  });

  it('are shown alone with all that was counted', () => {
    assert.deepEqual(queueView(paused, options).split('\n'), [
      'queue     geo',
      'pool      io',
      'state     paused  since 2026-01-02T03:04:00.000Z  1m ago',
      'ready     1,200',
      'delayed   3',
      'in flight 4',
      'dead      0',
      'oldest    -',
      'so far    12,345 enqueued',
      '          9 completed',
      '          1 retried',
      '          2 dead',
      '          0 expired',
      '          0 cancelled',
      '          0 refused',
      '          3 reclaimed',
    ]);
  });
});

import assert from 'node:assert/strict';
import { BATCH_BYTES_LIMIT, BATCH_LIMIT } from '../../../src/broker/messages/batch.ts';
import type { Settlement } from '../../../src/broker/messages/exchange.ts';
import type { QueueSettings } from '../../../src/consumer/delivery.ts';
import { QueueLine } from '../../../src/consumer/queue-line.ts';
import type { QueueSession } from '../../../src/consumer/queue-session.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const lineOf = (settlements: readonly Settlement[]): QueueLine => {
  const line = new QueueLine({ name: 'q' } as QueueSettings, {} as QueueSession, new FakeClock());
  for (const settlement of settlements) line.settle(settlement);
  return line;
};

/** How many are taken at each turn. */
const turns = (line: QueueLine): number[] => {
  const sizes: number[] = [];
  while (line.unsettled > 0) sizes.push(line.takeSettlements().length);
  return sizes;
};

const text = (bytes: number): string => 'ä'.repeat(bytes / 2);
const withResult = (bytes: number): Settlement => ({
  type: 'ack',
  token: 't',
  result: { json: text(bytes), ttlMs: 1 },
});

describe('what a line settles in one call', () => {
  it('is a batch, in order', () => {
    const many = Array.from(
      { length: BATCH_LIMIT + 1 },
      (_, i): Settlement => ({ type: 'ack', token: `${i}` }),
    );
    const line = lineOf(many);
    assert.deepEqual(line.takeSettlements(), many.slice(0, BATCH_LIMIT));
    assert.deepEqual(line.takeSettlements(), many.slice(BATCH_LIMIT));
    assert.deepEqual(line.takeSettlements(), []);
  });

  it('ends with the one that passes the limit of bytes, results and errors alike', () => {
    const quarter = BATCH_BYTES_LIMIT / 4;
    assert.deepEqual(turns(lineOf(Array(9).fill(withResult(quarter)))), [4, 4, 1]);
    const error: Settlement = {
      type: 'retry',
      token: 't',
      delayMs: 0,
      count: 'failure',
      error: text(quarter),
    };
    assert.deepEqual(turns(lineOf(Array(9).fill(error))), [4, 4, 1]);
    assert.deepEqual(turns(lineOf(Array(3).fill(withResult(64 * 1024 * 1024)))), [1, 1, 1]);
  });
});

import assert from 'node:assert/strict';
import type { BrokerClient } from '../../../src/broker/broker.ts';
import { BrokerError } from '../../../src/broker/broker-error.ts';
import { BATCH_BYTES_LIMIT } from '../../../src/broker/messages/batch.ts';
import type { ResultRecord } from '../../../src/broker/messages/exchange.ts';
import { nextIdsPerCall, ResultWatcher } from '../../../src/client/result-watcher.ts';
import { FakeClock } from '../../support/fake-clock.ts';

type Results = BrokerClient['results'];

const json = (characters = 1) => JSON.stringify({ status: 'completed', result: 'x'.repeat(characters) });

/** A watcher over `count` jobs whose results `results` answers. */
function setUp(count: number, results: Results) {
  const clock = new FakeClock();
  const calls: number[] = [];
  const broker = {
    results: (queue: string, ids: readonly string[]) => {
      calls.push(ids.length);
      return results(queue, ids);
    },
  } as unknown as BrokerClient;
  const watcher = new ResultWatcher(broker, 'q', clock);
  const found = new Map<string, ResultRecord | null>();
  for (let n = 0; n < count; n++) watcher.watch(String(n), (record) => found.set(String(n), record));
  return { clock, calls, found, watcher };
}

describe('the result watcher', () => {
  it('finds all results where a broker answers only few at once', async () => {
    const { clock, found } = setUp(300, async (_, ids) => {
      if (ids.length > 3) throw new BrokerError('refused', 'too large', { code: 'ERR_RESULT_TOO_LARGE' });
      return ids.map(() => json());
    });
    await clock.advance(60_000);
    assert.equal(found.size, 300);
    assert.equal(clock.pending, 0);
  });

  it('finds the others where one result can never be answered', async () => {
    const { clock, found, watcher } = setUp(40, async (_, ids) => {
      if (ids.includes('7')) throw new BrokerError('refused', 'too large');
      return ids.map(() => json());
    });
    await clock.advance(60_000);
    assert.equal(found.size, 39);
    watcher.close();
    assert.equal(found.get('7'), null);
  });

  it('finds those that a broker leaves out at first', async () => {
    const { clock, found } = setUp(300, async (_, ids) =>
      ids.map((_id, index) => (index < 2 ? json() : null)),
    );
    await clock.advance(60_000);
    assert.equal(found.size, 300);
  });

  it('asks for few until it has seen how large results are, and then for as many as fit one call', async () => {
    let largest = 0;
    const { clock, found } = setUp(200, async (_, ids) => {
      largest = Math.max(largest, ids.length);
      return ids.map(() => json(1024 * 1024));
    });
    await clock.advance(2);
    await clock.advance(60_000);
    assert.equal(found.size, 200);
    assert.equal(largest, 16);
  });

  it('asks for many small ones at once', async () => {
    const { clock, calls, found } = setUp(2_000, async (_, ids) => ids.map(() => json()));
    await clock.advance(60_000);
    assert.equal(found.size, 2_000);
    assert(calls.includes(256));
  });

  for (const [name, ids, results, next] of [
    ['a failure halves them', 256, null, 128],
    ['one is asked for at least', 1, null, 1],
    ['nothing there leaves them', 64, [null, null], 64],
    ['nothing there brings them back to what a first call asks for', 4, [null, null], 8],
    ['small results double them', 64, [json(), null], 128],
    ['256 are the most', 256, [json()], 256],
    ['large results bound them', 64, ['x'.repeat(1024 ** 2), json()], 4],
    ['a result larger than a batch is asked for alone', 64, ['x'.repeat(BATCH_BYTES_LIMIT + 1)], 1],
  ] as const) {
    it(`how many it asks for next: ${name}`, () => assert.equal(nextIdsPerCall(ids, results), next));
  }
});

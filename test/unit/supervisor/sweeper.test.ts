import assert from 'node:assert/strict';
import type { Broker } from '../../../src/broker/broker.ts';
import { BrokerError } from '../../../src/broker/broker-error.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Sweeper } from '../../../src/supervisor/sweeper.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const DEAD = 'dead-daemon';
const CALL_DEADLINE_MS = 2_000;

describe('the sweeper', () => {
  it('takes the leases of the dead on one queue while the server of another does not answer', async () => {
    const clock = new FakeClock();
    const deadlineAt = clock.now();
    const reclaimed: string[] = [];
    const broker = {
      sweep: async (queue: string) => {
        if (queue.startsWith('deaf')) {
          await clock.sleep(CALL_DEADLINE_MS);
          throw new BrokerError('unknown', 'no answer');
        }
        return { now: clock.now(), leases: [{ daemon: DEAD, deadlineAt }] };
      },
      reclaim: async (queue: string) => {
        reclaimed.push(queue);
        return { status: 'reclaimed', moved: 1, more: false };
      },
    } as unknown as Broker;
    const sweeper = new Sweeper({
      broker,
      queues: ['deaf 1', 'deaf 2', 'heard'],
      leaseMs: 10_000,
      intervalMs: 1_000,
      rule: { graceMs: 1_600, promptMs: 1_000, gapMs: 3_200 },
      ownDaemons: () => new Set(),
      clock,
      random: () => 0.5,
      log: silentLogger,
    });
    await sweeper.start();
    for (let ms = 0; ms < 10_000 && reclaimed.length === 0; ms += 50) await clock.advance(50);
    assert.equal(reclaimed[0], 'heard');
    const stopped = sweeper.stop();
    await clock.advance(CALL_DEADLINE_MS);
    await stopped;
  });
});

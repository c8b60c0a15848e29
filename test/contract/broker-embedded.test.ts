import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedBroker } from '../../src/broker/embedded/embedded-broker.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { brokerContract } from './broker.ts';

brokerContract('the embedded broker', {
  open: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'forkloop-store-'));
    let shift = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + shift };
    const broker = new EmbeddedBroker({ path: join(directory, 'jobs.db'), callDeadlineMs: 20_000, clock });
    await broker.start();
    return {
      broker,
      advance: async (ms) => {
        shift += ms;
      },
      dispose: async () => {
        await broker.close();
        await rm(directory, { recursive: true });
      },
    };
  },
});

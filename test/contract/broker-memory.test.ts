import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts';
import { brokerContract } from './broker.ts';

brokerContract('the memory broker', {
  open: async () => {
    let now = 1_800_000_000_000;
    const broker = new MemoryBroker({ clock: { now: () => now } });
    await broker.start();
    return {
      broker,
      advance: async (ms) => {
        now += ms;
      },
      dispose: () => broker.close(),
    };
  },
});

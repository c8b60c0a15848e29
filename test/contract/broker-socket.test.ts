import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Broker, BrokerClient } from '../../src/broker/broker.ts';
import { SocketBroker } from '../../src/broker/embedded/socket-broker.ts';
import { SocketServer } from '../../src/broker/embedded/socket-server.ts';
import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { brokerContract } from './broker.ts';

/** The verbs of a client go through the socket, those of a daemon do not. */
function lent(broker: Broker, client: SocketBroker): Broker {
  const shared = new Set<PropertyKey>([
    'enqueue',
    'results',
    'stats',
    'list',
    'find',
    'setPaused',
    'retry',
    'delete',
    'purge',
  ]);
  return new Proxy(broker, {
    get: (_, name) => {
      const target = shared.has(name) ? client : broker;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

brokerContract('a broker behind its socket', {
  open: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'forkloop-socket-'));
    const path = join(directory, 'broker.sock');
    let now = 1_800_000_000_000;
    const broker = new MemoryBroker({ clock: { now: () => now } });
    const server = new SocketServer({ broker, path, clock: systemClock, log: silentLogger });
    await server.start();
    const client = new SocketBroker({ path, callDeadlineMs: 20_000, clock: systemClock });
    return {
      broker: lent(broker, client),
      advance: async (ms) => {
        now += ms;
      },
      dispose: async () => {
        await client.close();
        await server.stop();
        await broker.close();
        await rm(directory, { recursive: true });
      },
    };
  },
});

describe('the socket of a store', () => {
  /** What a client sees of a broker whose results are these. */
  const asked = async (results: readonly unknown[]): Promise<unknown> => {
    const directory = await mkdtemp(join(tmpdir(), 'forkloop-socket-'));
    const path = join(directory, 'broker.sock');
    const broker = { results: async () => results } as unknown as BrokerClient;
    const server = new SocketServer({ broker, path, clock: systemClock, log: silentLogger });
    await server.start();
    const client = new SocketBroker({ path, callDeadlineMs: 20_000, clock: systemClock });
    try {
      return await client.results('q', ['a']);
    } finally {
      await client.close();
      await server.stop();
      await rm(directory, { recursive: true });
    }
  };
  const tooLarge = { code: 'ERR_RESULT_TOO_LARGE', disposition: 'refused' };

  it('refuses an answer that is longer than a line may be, counted in bytes', async () => {
    await assert.rejects(asked(['é'.repeat(33 * 1024 * 1024)]), tooLarge);
  });

  it('refuses an answer that is longer than a string can be', async () => {
    await assert.rejects(asked(Array(20).fill('x'.repeat(32 * 1024 * 1024))), tooLarge);
  });
});

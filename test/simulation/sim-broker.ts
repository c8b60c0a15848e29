import type { Broker } from '../../src/broker/broker.ts';
import type { ExchangeBehind, OnRead } from '../../src/broker/messages/exchange.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { Answer, Call, Verb } from './sim-store.ts';
import type { Stand, Wakes } from './wakes.ts';

/** Hears what a process sends, and the answers that it hears itself. */
export interface Listener {
  readonly sends: (call: Call) => void;
  readonly hears: (call: Call, reply: unknown) => void;
}

const NOBODY: Listener = { sends: () => {}, hears: () => {} };

/** The broker as one machine sees it: across the network. It has the verbs that a simulated process calls, and no others. */
export const brokerOf = (
  machine: Machine,
  network: Network,
  wakes: Wakes,
  listener = NOBODY,
  blocks = false,
): Broker => new SimBroker(machine, network, wakes, listener, blocks) as unknown as Broker;

class SimBroker {
  readonly type = 'memory';
  up = true;
  readonly #machine: Machine;
  readonly #network: Network;
  readonly #wakes: Wakes;
  readonly #listener: Listener;
  /** Whether its waits are blocking reads, behind which exchanges stand. */
  readonly #blocks: boolean;
  readonly #underWay = new Set<AbortController>();

  constructor(machine: Machine, network: Network, wakes: Wakes, listener: Listener, blocks: boolean) {
    this.#blocks = blocks;
    this.#listener = listener;
    this.#machine = machine;
    this.#network = network;
    this.#wakes = wakes;
  }

  enqueue = this.#verb('enqueue');
  open = this.#verb('open');
  exchange = this.#verb('exchange');
  heartbeat = this.#verb('heartbeat');
  resync = this.#verb('resync');
  closeSession = this.#verb('closeSession');
  sweep = this.#verb('sweep');
  reclaim = this.#verb('reclaim');
  watermark = this.#verb('watermark');
  fire = this.#verb('fire');
  setPaused = this.#verb('setPaused');
  retry = this.#verb('retry');
  delete = this.#verb('delete');
  purge = this.#verb('purge');
  list = this.#verb('list');
  find = this.#verb('find');
  stats = this.#statsOf();

  wait(queues: readonly string[], signal: AbortSignal, onRead?: OnRead): Promise<readonly string[]> {
    const [queue, ...others] = queues;
    if (!this.#blocks || onRead === undefined || queue === undefined || others.length > 0)
      return this.#wakes.wait(this.#machine, queues, signal);
    return this.#wakes.wait(this.#machine, queues, signal, (stand) =>
      onRead(stand && this.#behind(queue, stand)),
    );
  }

  #behind(queue: string, stand: Stand): ExchangeBehind {
    const exchange = this.#verb('exchange', stand);
    return (request) => exchange(queue, request);
  }

  async start(): Promise<void> {}

  /** Calls under way end. */
  async close(): Promise<void> {
    for (const closing of this.#underWay) closing.abort();
  }

  #statsOf(): (queue: string) => Promise<Answer<'stats'>> {
    const ask = this.#verb('stats');
    return (queue) => ask(queue, undefined);
  }

  #verb<V extends Verb>(verb: V, stand?: Stand) {
    return async (queue: string, argument: Parameters<Broker[V]>[1]): Promise<Answer<V>> => {
      const closing = new AbortController();
      this.#underWay.add(closing);
      try {
        // Copied: what is on the wire does not change with the sender's objects.
        const call = structuredClone({ verb, queue, argument }) as Call;
        this.#listener.sends(call);
        const reply = await this.#network.call(this.#machine, call, closing.signal, stand);
        this.#listener.hears(call, reply);
        this.up = true;
        return structuredClone(reply) as Answer<V>;
      } catch (error) {
        this.up = false;
        throw error;
      } finally {
        this.#underWay.delete(closing);
      }
    };
  }
}

import type { Broker } from '../../src/broker/broker.ts';
import { BrokerError } from '../../src/broker/broker-error.ts';
import { Enqueuer } from '../../src/client/enqueuer.ts';
import type { Ledger } from './ledger.ts';
import { draftJob } from './load.ts';
import type { Machine } from './machine.ts';

export interface ProducerOptions {
  readonly machine: Machine;
  readonly broker: Broker;
  readonly queues: readonly string[];
  readonly timeoutMs: number;
  readonly ledger: Ledger;
}

/** A program that enqueues through the product's client, and notes what it was told. */
export class Producer {
  readonly machine: Machine;
  readonly #options: ProducerOptions;
  readonly #enqueuers: ReadonlyMap<string, Enqueuer>;
  #underWay = 0;

  constructor(options: ProducerOptions) {
    const { machine, broker, queues, timeoutMs } = options;
    const { clock, dice } = machine;
    this.machine = machine;
    this.#options = options;
    this.#enqueuers = new Map(
      queues.map((queue) => [
        queue,
        new Enqueuer({ queue, broker, timeoutMs, clock, random: dice.random, newId: dice.ids(clock.now) }),
      ]),
    );
  }

  /** Calls that have not ended. */
  get underWay(): number {
    return this.machine.state === 'dead' ? 0 : this.#underWay;
  }

  enqueue(count: number): void {
    const { machine, queues } = this.#options;
    const queue = machine.dice.pick(queues);
    const enqueuer = this.#enqueuers.get(queue) as Enqueuer;
    const newId = machine.dice.ids(machine.clock.now);
    for (let i = 0; i < count; i++)
      void this.#add(enqueuer, queue, draftJob(machine.dice, newId, enqueuer.brokerNow()));
  }

  async #add(enqueuer: Enqueuer, queue: string, draft: { record: string; delayMs: number }): Promise<void> {
    const { ledger } = this.#options;
    const id = draft.record.slice(1, 37);
    ledger.tell(id, queue, 'pending');
    this.#underWay += 1;
    try {
      const existing = await enqueuer.add(draft);
      ledger.tell(id, queue, existing === null ? 'stored' : 'held');
    } catch (error) {
      const refused = error instanceof BrokerError && error.disposition === 'refused';
      ledger.tell(id, queue, refused ? 'not_stored' : 'unknown');
    } finally {
      this.#underWay -= 1;
    }
  }
}

import type { Broker } from '../../src/broker/broker.ts';
import { recordClaims, recordId } from '../../src/broker/job-record.ts';
import type { JobState, PurgeState, StoredJob } from '../../src/broker/messages/operator.ts';
import type { JobOperation } from '../../src/control/messages/jobs.ts';
import { ForkloopError } from '../../src/lib/errors.ts';
import { JobOperator } from '../../src/supervisor/job-operator.ts';
import { QueueOperator } from '../../src/supervisor/queue-operator.ts';
import type { Machine } from './machine.ts';

export interface OperatorOptions {
  readonly machine: Machine;
  readonly broker: Broker;
  readonly queues: readonly string[];
  /** Nothing more is to be done. */
  readonly isOver: () => boolean;
}

const RESULT_TTL_MS = 60_000;
const STATES: readonly JobState[] = ['dead', 'delayed', 'ready', 'in_flight'];
const REMOVABLE: readonly PurgeState[] = ['dead', 'delayed', 'ready'];

/** Somebody who looks, thinks, and then does what the commands of the product do, through the same code. */
export class Operator {
  readonly #options: OperatorOptions;
  readonly #jobs: JobOperator;
  readonly #queues: QueueOperator;

  constructor(options: OperatorOptions) {
    const { machine, broker, queues } = options;
    const resultTtlOf = () => RESULT_TTL_MS;
    this.#options = options;
    this.#jobs = new JobOperator({ broker, queues, resultTtlOf });
    const newId = machine.dice.ids(machine.clock.now);
    this.#queues = new QueueOperator({ broker, pools: [{ name: 'pool', queues }], resultTtlOf, newId });
  }

  /** What is refused, or not answered, is left. */
  async act(): Promise<void> {
    try {
      await this.#act();
    } catch (error) {
      if (!(error instanceof ForkloopError)) throw error;
    }
  }

  async #act(): Promise<void> {
    const { machine, broker, queues } = this.#options;
    const { dice } = machine;
    const name = dice.pick(queues);
    const kind = dice.random();
    if (kind < 0.15) {
      const limit = dice.chance(0.1) ? 500 : dice.whole(1, 6);
      await this.#queues.purge({ name, state: dice.pick(REMOVABLE), limit });
      return;
    }
    if (kind < 0.25) {
      await this.#queues.list();
      return;
    }
    const state = dice.chance(0.5) ? 'dead' : dice.pick(STATES);
    const seen = await broker.list(name, { state, limit: dice.pick([1, 5, 30]) });
    if (dice.chance(0.4)) await machine.clock.sleep(dice.between(0, 15_000));
    for (const stored of this.#some(seen)) {
      if (this.#options.isOver()) return;
      await this.#touch(name, stored, state === 'ready' ? dice.chance(0.2) : dice.chance(0.7));
    }
  }

  #some(seen: readonly StoredJob[]): readonly StoredJob[] {
    const { dice } = this.#options.machine;
    const share = dice.pick([0.2, 1]);
    return seen.filter(() => dice.chance(share)).slice(0, 8);
  }

  /** By what was seen of it, perhaps twice; or by its id alone: then it is looked up first. */
  async #touch(queue: string, { record }: StoredJob, again: boolean): Promise<void> {
    const { machine } = this.#options;
    const { dice } = machine;
    const id = recordId(record);
    const isSeen = dice.chance(0.7);
    const request = isSeen ? { id, queue, claims: recordClaims(record) } : { id };
    await this.#ask(request, queue, again);
    if (!isSeen || dice.chance(0.5)) return;
    await machine.clock.sleep(dice.between(500, 10_000));
    if (!this.#options.isOver()) await this.#ask(request, queue, again && dice.chance(0.6));
  }

  async #ask(request: JobOperation, queue: string, again: boolean): Promise<void> {
    const { broker, machine } = this.#options;
    try {
      if (machine.dice.chance(0.1)) await broker.find(queue, request.id);
      else await (again ? this.#jobs.retry(request) : this.#jobs.delete(request));
    } catch (error) {
      if (!(error instanceof ForkloopError)) throw error;
    }
  }
}

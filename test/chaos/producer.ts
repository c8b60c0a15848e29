/** Enqueues jobs at a pace, as any application does, and writes down what it is told. */

import { createHash } from 'node:crypto';
import type { BrokerError } from '../../src/broker/broker-error.ts';
import { type Client, createClient } from '../../src/index.ts';
import type { Plan, TaskName } from './faults.ts';
import type { Event } from './history.ts';
import type { SeededRandom } from './random.ts';
import { MOST_JOBS_PER_SECOND, NAMESPACE } from './settings.ts';

/** The pool that runs a task. */
const QUEUE_OF: Readonly<Record<TaskName, 'cpu' | 'io'>> = {
  quick: 'io',
  slow: 'io',
  waits: 'io',
  flaky: 'io',
  snoozer: 'io',
  cpu: 'cpu',
  poison: 'cpu',
  killer: 'cpu',
};

const BURST_MS = 20;

export interface ProducerOptions {
  readonly seed: number;
  readonly mix: Plan['mix'];
  /** Whether half of the jobs keep their result. */
  readonly results: boolean;
  /** By which it enqueues, in turn. */
  readonly entrances: readonly string[];
  readonly random: SeededRandom;
  readonly record: (event: Event) => void;
  /** Another job is about to be enqueued. */
  readonly asked: () => void;
}

export async function produce(
  plan: Plan,
  options: Omit<ProducerOptions, 'seed' | 'mix' | 'results'>,
): Promise<void> {
  const producer = new Producer({ ...options, seed: plan.seed, mix: plan.mix, results: true });
  try {
    await producer.run(plan.jobsPerSecond, () => producer.asked >= plan.jobs);
  } finally {
    await producer.close();
  }
}

export class Producer {
  readonly #options: ProducerOptions;
  readonly #clients: readonly Client[];
  /** Enqueues so far. */
  asked = 0;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#clients = options.entrances.map((broker) =>
      createClient({ broker, namespace: NAMESPACE, enqueueTimeout: '8s' }),
    );
  }

  /** Enqueues so many a second until it has done enough; resolves when all are answered. */
  async run(perSecond: number, enough: () => boolean): Promise<void> {
    const pace = Math.min(perSecond, MOST_JOBS_PER_SECOND);
    const calls = new Set<Promise<void>>();
    const [from, before] = [performance.now(), this.asked];
    let failure: unknown = null;
    while (!enough()) {
      const due = before + Math.ceil(((performance.now() - from) / 1_000) * pace);
      // A burst that was late does not become a flood.
      const most = this.asked + Math.ceil((pace * 5 * BURST_MS) / 1_000);
      while (this.asked < Math.min(due, most) && !enough()) {
        const call: Promise<void> = this.#enqueue(this.asked++)
          .catch((error: unknown) => {
            failure ??= error;
          })
          .finally(() => calls.delete(call));
        calls.add(call);
      }
      await new Promise((resolve) => setTimeout(resolve, BURST_MS));
    }
    await Promise.all(calls);
    if (failure !== null) throw failure;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  async #enqueue(number: number): Promise<void> {
    const { seed, mix, results, random, record, asked } = this.#options;
    const task = pick(mix, random);
    const queue = QUEUE_OF[task];
    const tag = `${seed}-${number}`;
    const input = { tag, filling: 'é'.repeat(random.below(40)), numbers: [random.below(1e9), 2 ** 53, []] };
    const entrance = number % this.#clients.length;
    const options = {
      queue,
      priority: random.below(10),
      ...(random.below(2) === 0 && results ? { result: '10m' as const } : {}),
      ...(random.below(10) === 0 ? { delay: '300ms' as const } : {}),
      ...(random.below(10) === 0 ? { unique: `key-${random.below(5)}` } : {}),
    };
    record({
      kind: 'ask',
      tag,
      task,
      queue,
      sum: createHash('sha1').update(JSON.stringify(input)).digest('base64'),
      unique: options.unique === undefined ? null : `${queue}/${options.unique} of ${entrance}`,
      keepResult: options.result !== undefined,
    });
    asked();
    try {
      const { id, existing } = await (this.#clients[entrance] as Client).enqueue(task, input, options);
      record({ kind: 'told', tag, end: existing ? 'existing' : 'stored', id });
    } catch (error) {
      const { disposition } = error as Partial<BrokerError>;
      if (disposition === undefined) throw error;
      record({ kind: 'told', tag, end: disposition === 'unknown' ? 'unknown' : 'refused' });
    }
  }
}

function pick(mix: Plan['mix'], random: SeededRandom): TaskName {
  let at = random.next();
  for (const [task, share] of Object.entries(mix) as [TaskName, number][]) {
    if (at < share) return task;
    at -= share;
  }
  return 'quick';
}

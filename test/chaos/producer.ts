/** Enqueues the jobs of a plan at its pace, as any application does, and writes down what it is told. */

import { createHash } from 'node:crypto';
import type { BrokerError } from '../../src/broker/broker.ts';
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

export async function produce(
  plan: Plan,
  entrances: readonly string[],
  random: SeededRandom,
  record: (event: Event) => void,
  asked: () => void,
): Promise<void> {
  const clients = entrances.map((broker) =>
    createClient({ broker, namespace: NAMESPACE, enqueueTimeout: '8s' }),
  );
  const perSecond = Math.min(plan.jobsPerSecond, MOST_JOBS_PER_SECOND);
  const calls: Promise<void>[] = [];
  const from = performance.now();
  const enqueue = async (number: number) => {
    const task = pick(plan.mix, random);
    const queue = QUEUE_OF[task];
    const tag = `${plan.seed}-${number}`;
    const input = { tag, filling: 'é'.repeat(random.below(40)), numbers: [random.below(1e9), 2 ** 53, []] };
    const options = {
      queue,
      priority: random.below(10),
      ...(random.below(2) === 0 ? { result: '10m' as const } : {}),
      ...(random.below(10) === 0 ? { delay: '300ms' as const } : {}),
      ...(random.below(10) === 0 ? { unique: `key-${random.below(5)}` } : {}),
    };
    const entrance = number % clients.length;
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
      const { id, existing } = await (clients[entrance] as Client).enqueue(task, input, options);
      record({ kind: 'told', tag, end: existing ? 'existing' : 'stored', id });
    } catch (error) {
      const { disposition } = error as Partial<BrokerError>;
      if (disposition === undefined) throw error;
      record({ kind: 'told', tag, end: disposition === 'unknown' ? 'unknown' : 'refused' });
    }
  };
  try {
    for (let done = 0; done < plan.jobs; ) {
      const due = Math.min(plan.jobs, Math.ceil(((performance.now() - from) / 1_000) * perSecond));
      // A burst that was late does not become a flood.
      const most = done + Math.ceil((perSecond * 5 * BURST_MS) / 1_000);
      for (; done < Math.min(due, most); done++) calls.push(enqueue(done));
      await new Promise((resolve) => setTimeout(resolve, BURST_MS));
    }
    await Promise.all(calls);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
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

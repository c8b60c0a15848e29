/** A process of its own for `hands.ts`: carries out one task after the other, on stores of its own. */

import { type Caught, hunt } from './mutant-build.ts';
import { MUTANTS, type Mutant } from './mutants.ts';
import { redisForSimulation } from './redis-for-simulation.ts';
import { type Simulated, simulate } from './simulate.ts';
import { StoreDisk } from './store-disk.ts';

export type Task =
  | { readonly type: 'seed'; readonly broker: 'redis' | 'embedded'; readonly seed: number }
  | { readonly type: 'mutant'; readonly name: string; readonly seeds: number };

export type Done<T extends Task> = T extends { type: 'seed' } ? Told : Caught;

/** What of it can be sent from process to process. */
export type Told = Omit<Simulated, 'violation'> & { readonly violation: string | null };

let redis: ReturnType<typeof redisForSimulation> | null = null;
let disk: StoreDisk | null = null;

process.on('message', (task: Task) => {
  void carryOut(task).then((done) => process.send?.(done));
});
process.once('disconnect', () => void end());
// A terminal tells all processes; the one that handed out the tasks ends this one.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});

async function carryOut(task: Task): Promise<Told | Caught> {
  if (task.type === 'seed') {
    return told(task.seed, await storeFor(task.broker));
  }
  const mutant = MUTANTS.find(({ name }) => name === task.name) as Mutant;
  return hunt(mutant, await storeFor(mutant.store ?? 'redis'), task.seeds);
}

/** A simulation that breaks is told with its seed, as a violation is. */
async function told(seed: number, on: string | StoreDisk): Promise<Told> {
  try {
    const { violation, ...rest } = await simulate({ seed, on });
    return { ...rest, violation: violation?.message ?? null };
  } catch (error) {
    const broken = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { seed, operations: 0, reclaims: 0, overlaps: 0, digest: '', violation: `it broke: ${broken}` };
  }
}

async function storeFor(broker: 'redis' | 'embedded'): Promise<string | StoreDisk> {
  if (broker === 'embedded') {
    disk ??= new StoreDisk();
    return disk;
  }
  redis ??= redisForSimulation();
  return (await redis).socket;
}

async function end(): Promise<void> {
  await (await redis)?.server.stop();
  disk?.[Symbol.dispose]();
  process.exit();
}

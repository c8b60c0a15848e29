import type { Clock } from '../lib/clock.ts';
import type { TaskManifest } from '../task/define.ts';
import type { TaskInput } from '../task/input-check.ts';
import type { WorkerHost } from './host/host.ts';
import type { FromWorker } from './host/protocol.ts';
import type { PoolOptions } from './options.ts';

export type Rehearsal =
  | {
      readonly type: 'ready';
      readonly tasks: readonly TaskManifest[];
      /** What the schemas say against each input; null: nothing. */
      readonly refused: readonly (string | null)[];
    }
  /** It did not get ready; why not, for people. */
  | { readonly type: 'failed'; readonly reason: string };

/** For a worker that was told to leave. */
const LEAVE_MS = 1_000;

/** Resolves when the worker has ended. Never rejects. */
export function rehearse(
  host: WorkerHost,
  { name, modules, readyTimeout }: PoolOptions,
  inputs: readonly TaskInput[],
  clock: Clock,
): Promise<Rehearsal> {
  const boot = {
    pool: name,
    slot: 0,
    generation: 0,
    modules,
    concurrency: 1,
    masterPid: process.pid,
    inputs,
  };
  return new Promise((resolve) => {
    let reply: Rehearsal | null = null;
    const told = (message: FromWorker) => {
      if (message.type === 'boot_failed') reply = { type: 'failed', reason: message.error.message };
      if (message.type !== 'ready') return;
      reply = { type: 'ready', tasks: message.tasks, refused: message.refused ?? [] };
      timer.cancel();
      timer = clock.setTimer(LEAVE_MS, () => channel.kill());
      channel.send({ type: 'exit' });
    };
    const channel = host.spawn(boot, {
      message: told,
      output: () => {},
      exit: ({ lastWords, error }) => {
        timer.cancel();
        const words = error?.message ?? (lastWords === '' ? '' : `; last words: ${lastWords.trim()}`);
        resolve(reply ?? { type: 'failed', reason: `a worker with these modules ended${words}` });
      },
    });
    let timer = clock.setTimer(readyTimeout, () => {
      reply = { type: 'failed', reason: `not ready within ${readyTimeout} ms (ready_timeout)` };
      channel.kill();
    });
  });
}

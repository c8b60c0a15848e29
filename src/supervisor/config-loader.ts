import { Worker } from 'node:worker_threads';
import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../lib/clock.ts';
import { threadEntry } from '../lib/thread-entry.ts';
import type { ConfigThreadData, ConfigThreadReply } from './config-thread.ts';

/** A file that takes longer is refused. What takes a tenth of a second takes some on a machine that has too much to do. */
const LIMIT_MS = 10_000;

export type LoadedAgain =
  | { readonly type: 'loaded'; readonly loaded: LoadedConfig }
  /** Why not, for people: the problems with their places. */
  | { readonly type: 'invalid'; readonly report: string };

/** Reads the file anew while the daemon goes on, in at most ten seconds. Never rejects. */
export function loadConfigApart(path: string, clock: Clock): Promise<LoadedAgain> {
  const { script, eval: isText } = threadEntry('config-thread', import.meta.url);
  const workerData: ConfigThreadData = { path, env: { ...process.env } };
  return new Promise((resolve) => {
    let worker: Worker;
    try {
      worker = new Worker(script, { eval: isText, workerData, execArgv: [], name: 'forkloop config' });
    } catch (error) {
      // A limit of processes or of memory.
      resolve({ type: 'invalid', report: `${path}: no thread can be started to read it: ${String(error)}` });
      return;
    }
    const end = (result: LoadedAgain) => {
      timer.cancel();
      void worker.terminate();
      resolve(result);
    };
    const invalid = (report: string) => end({ type: 'invalid', report: `${path}: ${report}` });
    const timer = clock.setTimer(LIMIT_MS, () => invalid(`could not be read within ${LIMIT_MS} ms`));
    worker.once('message', (reply: ConfigThreadReply) => end(reply));
    worker.once('error', (error) => invalid(`could not be read: ${String(error)}`));
    worker.once('exit', () => invalid('could not be read: the reader ended'));
  });
}

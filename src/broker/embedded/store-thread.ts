/**
 * The store's thread: whatever has arrived when it looks goes into one transaction, so the more is asked, the fewer
 * syncs a request costs, and the master's loop never waits for a disk.
 */

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../lib/clock.ts';
import { ForkloopError } from '../../lib/errors.ts';
import type { FromStore, StoreRequest, ToStore } from './messages.ts';
import { Store } from './store.ts';

/** Of one transaction: bounds how long its first request waits for the others, and what it takes of the log. */
const GROUP_LIMIT = 64;
const GROUP_CHARACTERS = 4 * 1024 * 1024;

const port = parentPort as MessagePort;
const say = (message: FromStore) => port.postMessage(message);

const store = openStore((workerData as { path: string }).path);
if (store !== null) {
  port.on('message', (first: ToStore) => serve(store, first));
  say({ type: 'opened', ready: store.ready() });
}

function openStore(path: string): Store | null {
  try {
    return new Store(path, systemClock.now());
  } catch (error) {
    const code = error instanceof ForkloopError ? error.code : 'ERR_BROKER_UNFIT';
    say({ type: 'unfit', code, message: (error as Error).message });
    return null;
  }
}

function serve(store: Store, first: ToStore): void {
  try {
    for (let message: ToStore | undefined = first; message !== undefined; message = next()) {
      const { group, closing } = gather(message);
      if (group.length > 0) say({ type: 'committed', ...store.apply(group) });
      if (!closing) continue;
      store.close();
      port.close();
      return;
    }
  } catch (error) {
    say({ type: 'failed', message: (error as Error).message });
    port.close();
  }
}

/** What else has arrived, up to a group. */
function gather(first: ToStore): { group: StoreRequest[]; closing: boolean } {
  const group: StoreRequest[] = [];
  let characters = 0;
  for (let message: ToStore | undefined = first; message !== undefined; message = next()) {
    if (message.verb === 'close') return { group, closing: true };
    group.push(message);
    characters += sizeOf(message);
    if (group.length >= GROUP_LIMIT || characters >= GROUP_CHARACTERS) break;
  }
  return { group, closing: false };
}

function sizeOf({ verb, argument }: StoreRequest): number {
  if (verb === 'enqueue') return argument.jobs.reduce((size, job) => size + job.record.length, 0);
  if (verb !== 'exchange') return 0;
  return argument.settle.reduce(
    (size, each) => size + ('result' in each ? (each.result?.json.length ?? 0) : 0),
    0,
  );
}

function next(): ToStore | undefined {
  return (receiveMessageOnPort(port) as { message: ToStore } | undefined)?.message;
}

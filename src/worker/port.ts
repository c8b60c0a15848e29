/** The worker's end of the channel to the master: the same for a forked process and a thread. */

import { parentPort } from 'node:worker_threads';
import type { Envelope, FromWorker, ToWorker } from '../pool/host/protocol.ts';
import { packFromWorker, type ToWorkerWire, unpackToWorker } from '../pool/host/wire.ts';

export interface Port {
  /** Never throws: to a master that is gone it does nothing. */
  post(message: FromWorker): void;
  /** Resolves when everything posted so far has left this worker, or never will. */
  flush(): Promise<void>;
  listen(listener: (message: ToWorker) => void): void;
  /** Ends this worker now, whatever user code has made of `process.exit`. */
  exit(code: number): never;
}

export function openPort(): Port {
  return parentPort === null ? processPort() : threadPort(parentPort);
}

function processPort(): Port {
  const exit = process.exit.bind(process);
  const send = process.send?.bind(process);
  if (send === undefined) throw new Error('this file is started by a forkloop daemon, not by hand');
  // A write to a master that died is reported here; unheard it would be taken for an error of the user's code.
  process.on('error', () => {});
  let unsent = 0;
  let onSent: (() => void) | null = null;
  const sent = () => {
    unsent -= 1;
    if (unsent === 0) onSent?.();
  };
  return {
    post: tolerant((message) => {
      if (!process.connected) return;
      send({ forkloop: packFromWorker(message) } satisfies Envelope, undefined, undefined, sent);
      unsent += 1;
    }),
    flush: () =>
      new Promise((resolve) => {
        if (unsent === 0 || !process.connected) resolve();
        else onSent = resolve;
      }),
    listen: (listener) => process.on('message', (wire) => listener(unpackToWorker(wire as ToWorkerWire))),
    exit,
  };
}

function threadPort(port: NonNullable<typeof parentPort>): Port {
  const exit = process.exit.bind(process);
  return {
    post: tolerant((message) => port.postMessage({ forkloop: packFromWorker(message) } satisfies Envelope)),
    flush: () => Promise.resolve(),
    listen: (listener) => port.on('message', (wire: ToWorkerWire) => listener(unpackToWorker(wire))),
    exit,
  };
}

/** Only the fields of a log record come from user code; what cannot travel in them must not fail the job. */
function tolerant(post: (message: FromWorker) => void): (message: FromWorker) => void {
  return (message) => {
    try {
      post(message);
    } catch (error) {
      if (message.type === 'log') post({ ...message, fields: { unloggable: String(error) } });
    }
  };
}

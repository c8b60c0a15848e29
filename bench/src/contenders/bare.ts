import { connect, type Socket } from 'node:net';
import type { JobInput } from '../programs/job-input.ts';
import { command } from '../programs/resp.ts';
import type { Contender, ContenderOptions, Site, System } from './contender.ts';
import { queueOf } from './layout.ts';
import { startWorker } from './worker-process.ts';

/**
 * Not a job queue: what is left of one when nothing is checked, counted, leased or kept. It has the programs and the wakes
 * of a job that comes alone, so that no queue of such programs can be much faster; a job in it is lost with any of them.
 */
export function bare(options: ContenderOptions): Contender {
  return { name: options.name, open: (site) => open(options, site) };
}

async function open(options: ContenderOptions, { workspace, redis, probe }: Site): Promise<System> {
  if (redis === null) throw new Error('the bare programs need Redis');
  const settings = { port: redis.port, pools: options.pools, keepResults: false };
  const worker = await startWorker(workspace, 'bare-worker', settings, probe);
  const producer = new Producer(connect({ port: redis.port, host: '127.0.0.1', noDelay: true }));
  const push = (inputs: readonly JobInput[], queue?: string) =>
    producer.send('RPUSH', queueOf(options, queue), ...inputs.map((input) => JSON.stringify(input)));
  return {
    enqueue: (input, queue) => push([input], queue),
    enqueueMany: push,
    enqueueDelayed: () => Promise.reject(new Error('the bare programs delay nothing')),
    hold: () => worker.give('hold'),
    release: () => worker.give('release'),
    pids: () => worker.pids(),
    async close() {
      producer.close();
      await worker.close();
    },
  };
}

/** Replies come in the order of the commands, and each of them is one line. */
class Producer {
  readonly #socket: Socket;
  readonly #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (replies) => {
      if (replies.includes('-')) throw new Error(`the bare programs: ${replies}`);
      for (const byte of replies) if (byte === LINE_FEED) this.#waiting.shift()?.();
    });
  }

  send(...words: readonly string[]): Promise<void> {
    this.#socket.write(command(...words));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#socket.destroy();
  }
}

const LINE_FEED = 10;

/** The bare programs' side that runs jobs: reads, hands over, tells Redis of the end. */

import { fork } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { command } from './resp.ts';
import { obey, settingsGiven, type WorkerSettings } from './worker-settings.ts';

/** A place that runs jobs; `ended` is called at the end of each. */
type Runner = (ended: () => void) => (json: string) => void;

const { port, pools } = settingsGiven();
const open = () => connect({ port, host: '127.0.0.1', noDelay: true });
const path = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

const thread: Runner = (ended) => {
  const worker = new Worker(path('bare-thread'));
  worker.on('message', ended);
  return (json) => worker.postMessage(json);
};

const child: Runner = (ended) => {
  const forked = fork(path('bare-processor'));
  forked.on('message', ended);
  return (json) => void forked.send(json);
};

/** Reads one job at a time while a runner has room: a thread takes many, a child one. Runners are a queue's own. */
function serve(queue: string, { kind, size }: WorkerSettings['pools'][number], writes: Socket): void {
  const reads = open();
  const [start, runners, room] = kind === 'async' ? [thread, 1, size] : [child, size, 1];
  const free: ((json: string) => void)[] = [];
  let reading = false;
  const read = () => {
    if (reading || free.length === 0) return;
    reading = true;
    reads.write(command('BLPOP', queue, '0'));
  };
  for (let n = 0; n < runners; n++) {
    const give = start(() => {
      free.push(give);
      read();
      writes.write(command('INCR', 'ended'));
    });
    for (let place = 0; place < room; place++) free.push(give);
  }
  let reply = '';
  reads.on('data', (chunk) => {
    reply += chunk.toString();
    const [, , , , json, end] = reply.split('\r\n');
    if (json === undefined || end === undefined) return;
    reply = '';
    reading = false;
    free.shift()?.(json);
    read();
  });
  read();
}

const writes = open();
writes.resume();
for (const pool of pools) for (const queue of pool.queues) serve(queue, pool, writes);

obey({
  release: async () => {},
  hold: () => Promise.reject(new Error('the bare programs cannot pause')),
  close: async () => {},
});

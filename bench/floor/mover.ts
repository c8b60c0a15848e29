/** What a daemon does for an I/O job, and nothing else: reads blockingly, hands to a thread that waits, tells Redis of the end. */
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { command } from '../src/programs/resp.ts';

const [port, waitMs] = process.argv.slice(2).map(Number);

const open = async (): Promise<Socket> => {
  const socket = connect(port as number, '127.0.0.1');
  socket.setNoDelay(true);
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
};

const thread = new Worker(
  `const { parentPort } = require('node:worker_threads');
  parentPort.on('message', () => setTimeout(() => parentPort.postMessage(null), ${waitMs}));`,
  { eval: true },
);
await new Promise((resolve) => thread.once('online', resolve));
const [reads, writes] = [await open(), await open()];
const read = () => reads.write(command('BLPOP', 'floor', '0'));
thread.on('message', () => writes.write(command('INCR', 'floor:ended')));
writes.resume();
reads.on('data', () => {
  thread.postMessage(null);
  read();
});
read();
process.send?.('ready');

/** Reads a list blockingly and hands what comes to a thread; tells its parent when it was there, and when in the thread. */
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { nowUs } from '../src/measure/monotonic.ts';
import { command } from '../src/programs/resp.ts';

const thread = new Worker(
  `const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (at) => parentPort.postMessage([at, Number(process.hrtime.bigint()) / 1e3]));`,
  { eval: true },
);
thread.on('message', (times) => process.send?.(times));
await new Promise((resolve) => thread.once('online', resolve));

const socket = connect(Number(process.argv[2]), '127.0.0.1');
socket.setNoDelay(true);
const read = () => socket.write(command('BLPOP', 'floor', '0'));
socket.on('data', () => {
  thread.postMessage(nowUs());
  read();
});
read();
process.send?.('ready');

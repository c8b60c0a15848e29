/**
 * How soon anything can be picked up on this machine: bare programs that do nothing but wake each other, as often as the
 * suite `latency` enqueues. What forkloop's pickup takes above them is its own work. Starts a redis-server of its own and ends
 * by itself within half a minute.
 *
 *     npx tsx bench/pickup-floor.ts
 *
 * The chain is that of a job: a program pushes to a list; another, which reads it blockingly, is woken; it posts a message to
 * a thread, which takes the time.
 */
import { fork } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../test/support/redis-server.ts';
import { quantile } from './proof/quantile.ts';
import { nowUs } from './src/measure/monotonic.ts';
import { command } from './src/programs/resp.ts';

const EVERY_MS = 10;
const TIMES = 500;

const server = await startRedis();
const port = Number(new URL(server.url).port);
const reader = fork(fileURLToPath(new URL('./floor/reader.ts', import.meta.url)), [String(port)], {
  execArgv: ['--import', 'tsx'],
});
try {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await new Promise((resolve) => socket.once('connect', resolve));
  await new Promise((resolve) => reader.once('message', resolve));
  report('a bare PING, there and back', await pings(socket));
  const [woken, inThread] = await pushes(socket);
  report('a push, until another program that reads blockingly has it', woken);
  report('the same, until a thread of that program has it', inThread);
  socket.destroy();
} finally {
  reader.kill();
  await server.stop();
}

async function pings(socket: Socket): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    await rest();
    const sent = nowUs();
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write(command('PING'));
    await answered;
    times.push(nowUs() - sent);
  }
  return times;
}

/** Microseconds, each as the reader and its thread took it: all clocks are the machine's monotonic one. */
async function pushes(socket: Socket): Promise<[number[], number[]]> {
  const [woken, inThread]: [number[], number[]] = [[], []];
  socket.resume();
  for (let n = 0; n < TIMES; n++) {
    await rest();
    const sent = nowUs();
    const heard = new Promise<[number, number]>((resolve) =>
      reader.once('message', (message) => resolve(message as [number, number])),
    );
    socket.write(command('RPUSH', 'floor', String(n)));
    const [atReader, atThread] = await heard;
    woken.push(atReader - sent);
    inThread.push(atThread - sent);
  }
  return [woken, inThread];
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}

function report(what: string, times: number[]): void {
  const at = (share: number) => (quantile(times, share) / 1e3).toFixed(2);
  console.log(`${what.padEnd(60)} p50 ${at(0.5)} ms, p95 ${at(0.95)}, p99 ${at(0.99)}`);
}

/**
 * What it costs at least to move jobs that come one at a time: bare programs that wake each other as those of an I/O job do,
 * at the rate of the open load of the suite `mixed`. Starts a redis-server of its own and ends by itself within a minute.
 *
 *     npx tsx bench/job-floor.ts
 *
 * A job is a push to a list; a program that reads it blockingly hands it to a thread and reads on; the thread waits and
 * answers; the program sends one more command. Nothing is encoded, checked, counted or kept.
 */
import { fork } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../test/support/redis-server.ts';
import { randomFrom } from './src/measure/random.ts';
import { command } from './src/programs/resp.ts';
import { scheduledUsByThread } from './src/site/idle-cpu.ts';

const JOBS_A_SECOND = 61;
const WAIT_MS = 200;
/** So many before anything is measured: V8 compiles for good what has run some thousand times. */
const WARM_UP = 1_500;
const TIMES = 900;

const random = randomFrom(1);
const server = await startRedis();
const { port } = server;
const mover = fork(
  fileURLToPath(new URL('./floor/mover.ts', import.meta.url)),
  [String(port), String(WAIT_MS)],
  { execArgv: ['--import', 'tsx'] },
);
try {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await new Promise((resolve) => mover.once('message', resolve));
  await play(socket, WARM_UP, 5);
  const programs = [
    { name: 'the program that moves jobs', pid: mover.pid as number },
    { name: 'redis-server', pid: server.pid },
  ].map((program) => ({ ...program, before: scheduledUsByThread(program.pid) }));
  const own = process.cpuUsage();
  await play(socket, TIMES, 1_000 / JOBS_A_SECOND);
  const mine = process.cpuUsage(own);
  report('the program that enqueues', [(mine.user + mine.system) / TIMES]);
  for (const { name, pid, before } of programs) {
    const threads = [...scheduledUsByThread(pid)].map(([id, us]) => (us - (before.get(id) ?? 0)) / TIMES);
    report(name, threads);
  }
  socket.destroy();
} finally {
  mover.kill();
  await server.stop();
}

/** Pushes so many, at random times, each answered before the next. */
async function play(socket: Socket, times: number, meanMs: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    await new Promise((resolve) => setTimeout(resolve, -Math.log(1 - random()) * meanMs));
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write(command('RPUSH', 'floor', 'x'.repeat(200)));
    await answered;
  }
  await new Promise((resolve) => setTimeout(resolve, 2 * WAIT_MS));
}

/** `threads`: microseconds a job of each. */
function report(name: string, threads: readonly number[]): void {
  const us = threads.reduce((sum, each) => sum + each, 0);
  const largest = threads.filter((each) => each >= 20).sort((a, b) => b - a);
  const parts =
    largest.length > 1 ? ` (its threads: ${largest.map((each) => each.toFixed(0)).join(', ')})` : '';
  console.log(`${name.padEnd(28)} ${us.toFixed(0).padStart(5)} µs of CPU a job${parts}`);
}

/**
 * Loaded into a daemon before its own code (`node --import`): tells how late its event loop is. Only the master's loop is
 * watched: a thread runs this as well and does nothing, and forked workers are not given the argument. At the socket
 * `BENCH_LOOP_WATCH` the word `begin` opens a window, `end` is answered with what was seen in it.
 */

import { openSync, readSync } from 'node:fs';
import { createServer } from 'node:net';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { type LoopGaps, QUANTILES } from '../measure/loop-gaps.ts';

/** Of its timer: the finest there is. */
const RESOLUTION_MS = 1;

const path = process.env['BENCH_LOOP_WATCH'];
if (isMainThread && path !== undefined) watch(path);

function watch(path: string): void {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (word) => {
      if (String(word) === 'begin') {
        histogram.reset();
        work.length = 0;
      }
      socket.end(String(word) === 'end' ? JSON.stringify(seenBy(histogram, work)) : 'begun');
    });
  });
  const work: number[] = [];
  const workedMs = threadClock();
  let before = workedMs();
  setInterval(() => {
    const now = workedMs();
    work.push(now - before);
    before = now;
  }, RESOLUTION_MS).unref();
  server.listen(path).unref();
  histogram.enable();
}

/** CPU time of the main thread so far, milliseconds; a scheduler's tick late. */
function threadClock(): () => number {
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  const buffer = Buffer.alloc(64);
  return () => {
    const length = readSync(file, buffer, 0, buffer.length, 0);
    return Number.parseInt(buffer.toString('latin1', 0, length), 10) / 1e6;
  };
}

/** Takes long itself, so that a new window must be opened after it. */
function seenBy(histogram: IntervalHistogram, workMs: readonly number[]): LoopGaps {
  const none = histogram.count === 0; // of none there is no quantile
  return {
    resolutionMs: RESOLUTION_MS,
    count: histogram.count,
    gapsMs: none ? [] : QUANTILES.map((share) => histogram.percentile(share * 100) / 1e6),
    workMs,
    maxMs: none ? Number.NaN : histogram.max / 1e6,
  };
}

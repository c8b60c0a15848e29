/**
 * What handlers report, for every contender the same: counters in memory, written to a file of this thread's own at most
 * fifty times a second, so that a job costs no I/O. Files that begin with `count` hold four numbers a phase
 * (phase, jobs, first and last end), those with `stamp` four numbers a job (phase, index, begin, end); doubles, times in
 * microseconds.
 */

import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { nowUs } from '../measure/monotonic.ts';

/** Between two writes. */
const TICK_MS = 20;
/** Ticks without news after which the timer rests. */
const REST_AFTER = 25;

interface Phase {
  readonly number: number;
  count: number;
  first: number;
  last: number;
}

const phases: Phase[] = [];
let current: Phase = { number: -1, count: 0, first: 0, last: 0 };
let stamps: number[] = [];
let unwritten = 0;
let quietTicks = 0;
let timer: NodeJS.Timeout | null = null;
const files = new Map<string, number>();

export function counted(phase: number): void {
  if (phase !== current.number) change(phase);
  const now = nowUs();
  if (current.count++ === 0) current.first = now;
  current.last = now;
  if (unwritten++ === 0) wake();
}

export function stamped(phase: number, index: number, begunUs: number, endedUs: number): void {
  stamps.push(phase, index, begunUs, endedUs);
  if (unwritten++ === 0) wake();
}

function change(number: number): void {
  const known = phases.find((phase) => phase.number === number);
  current = known ?? { number, count: 0, first: 0, last: 0 };
  if (known === undefined) phases.push(current);
}

function wake(): void {
  quietTicks = 0;
  timer ??= setInterval(tick, TICK_MS).unref();
}

function tick(): void {
  if (unwritten > 0) write();
  else if (++quietTicks >= REST_AFTER && timer !== null) {
    clearInterval(timer);
    timer = null;
  }
}

function write(): void {
  unwritten = 0;
  quietTicks = 0;
  if (phases.length > 0) {
    const rows = phases.flatMap(({ number, count, first, last }) => [number, count, first, last]);
    writeSync(file('count'), Float64Array.from(rows), 0, rows.length * 8, 0);
  }
  if (stamps.length > 0) {
    writeSync(file('stamp'), Float64Array.from(stamps));
    stamps = [];
  }
}

function file(kind: 'count' | 'stamp'): number {
  let open = files.get(kind);
  if (open === undefined) {
    open = openSync(join(process.env['BENCH_PROBE'] ?? '.', `${kind}-${process.pid}-${threadId}`), 'w');
    files.set(kind, open);
  }
  return open;
}

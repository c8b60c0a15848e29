/**
 * The tasks of the chaos runs. Each writes what it does to the history of its process, line by line, before it goes on: the
 * checker believes these lines. Plain JavaScript, so that a worker that runs it needs no loader.
 */

import { createHash } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const file = openSync(join(process.env['CHAOS_HISTORY'] ?? '.', `${process.pid}.ndjson`), 'a');
let seq = 0;

function write(kind, { id, fence }, more = {}) {
  const t = Number(process.hrtime.bigint()) / 1e6;
  writeSync(
    file,
    `${JSON.stringify({ t, pid: process.pid, seq: seq++, kind, id, token: `${id}:${fence}`, ...more })}\n`,
  );
}

const sumOf = (input) => createHash('sha1').update(JSON.stringify(input)).digest('base64');

function task(name, run) {
  const recorded = async (input, context) => {
    write('start', context, { task: name, sum: sumOf(input), tag: input?.tag ?? null });
    context.signal.addEventListener('abort', () => write('abort', context), { once: true });
    try {
      const result = await run(input, context);
      write('end', context);
      return result;
    } catch (error) {
      write('fail', context);
      throw error;
    }
  };
  return {
    [Symbol.for('forkloop.task')]: 1,
    name,
    manifest: { name, validated: false },
    schema: undefined,
    run: recorded,
  };
}

const sleep = (ms, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });

export const quick = task('quick', async () => 'done');

export const slow = task('slow', async (_input, { signal }) => {
  await sleep(300, signal);
  return 'done';
});

/** Longer than a lease may be renewed late: what it does must survive an outage or run again. */
export const waits = task('waits', async (_input, { signal }) => {
  await sleep(2_500, signal);
  return 'done';
});

export const cpu = task('cpu', () => {
  const end = process.hrtime.bigint() + 15_000_000n;
  while (process.hrtime.bigint() < end);
  return 'done';
});

export const flaky = task('flaky', async (_input, { attempt }) => {
  if (attempt < 3) throw new Error(`attempt ${attempt} fails`);
  return 'done';
});

/** Only for a pool of processes. */
export const poison = task('poison', () => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
});

/** Takes its daemon down as well. Only for a pool of processes. */
export const killer = task('killer', () => {
  process.kill(process.ppid, 'SIGKILL');
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
});

export const snoozer = task('snoozer', async (_input, { fence }) => {
  if (fence > 1) return 'done';
  const when = { type: 'snooze', when: { delayMs: 200 } };
  throw Object.assign(new Error('snoozed'), { [Symbol.for('forkloop.steering')]: when });
});

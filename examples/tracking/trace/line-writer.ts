import type { Writable } from 'node:stream';

/**
 * Writes lines as fast as the reader takes them, no faster. Resolves with `closed` when the reader went away (as `head`
 * does): then the rest of the lines is not made.
 */
export async function writeLines(
  out: Writable,
  lines: AsyncIterable<string> | Iterable<string>,
): Promise<'done' | 'closed'> {
  out.on('error', ignore);
  for await (const line of lines) {
    if (!isOpen(out)) return 'closed';
    if (!out.write(`${line}\n`)) await drained(out);
  }
  await new Promise<void>((resolve) => out.write('', () => resolve()));
  return isOpen(out) ? 'done' : 'closed';
}

/** A pipe whose reader is gone says so by being destroyed; its error event has nothing to add and must not end us. */
function ignore(): void {}

const isOpen = (out: Writable): boolean => !out.destroyed && out.errored === null;

function drained(out: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of EVENTS) out.off(event, done);
      resolve();
    };
    for (const event of EVENTS) out.on(event, done);
  });
}

const EVENTS = ['drain', 'close', 'error'] as const;

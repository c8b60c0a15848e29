import type { Writable } from 'node:stream';

/**
 * Writes lines as fast as the reader takes them, no faster. Resolves with `closed` when the reader went away (as `head`
 * does): then the rest of the lines is not made.
 */
export async function writeLines(
  out: Writable,
  lines: AsyncIterable<string> | Iterable<string>,
): Promise<'done' | 'closed'> {
  // The standard output never counts as destroyed: that its reader is gone is told by this event alone, and more than once.
  let state: 'done' | 'closed' = 'done';
  out.on('error', () => {
    state = 'closed';
  });
  for await (const line of lines) {
    if (hasClosed()) break;
    if (!out.write(`${line}\n`)) await drained(out);
  }
  await new Promise<void>((resolve) => out.write('', () => resolve()));
  return hasClosed() ? 'closed' : 'done';

  function hasClosed(): boolean {
    return state === 'closed' || out.destroyed;
  }
}

const EVENTS = ['drain', 'close', 'error'] as const;

function drained(out: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of EVENTS) out.off(event, done);
      resolve();
    };
    for (const event of EVENTS) out.on(event, done);
  });
}

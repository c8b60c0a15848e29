import { once } from 'node:events';
import type { Writable } from 'node:stream';

/**
 * Writes lines as fast as the reader takes them, no faster. Resolves with `closed` when the reader went away (as `head`
 * does): then the rest of the lines is not made.
 */
export async function writeLines(out: Writable, lines: AsyncIterable<string> | Iterable<string>): Promise<'done' | 'closed'> {
  let state: 'open' | 'closed' = 'open';
  const onError = () => {
    state = 'closed';
  };
  out.on('error', onError);
  try {
    for await (const line of lines) {
      if (isClosed()) break;
      if (!out.write(`${line}\n`)) await Promise.race([once(out, 'drain'), once(out, 'close')]).catch(onError);
    }
    await new Promise<void>((resolve) => out.write('', () => resolve()));
    return isClosed() ? 'closed' : 'done';
  } finally {
    out.off('error', onError);
    if (isClosed()) out.on('error', () => {}); // further complaints of a closed pipe are of no interest
  }

  function isClosed(): boolean {
    return state === 'closed' || out.destroyed;
  }
}

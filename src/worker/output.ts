/**
 * Marks what user code prints with the job that printed it: a line begins with the token between two record separators
 * (ASCII 30). The line still goes through the worker's own stdout and stderr, so nothing is lost when it dies.
 */

import { currentToken } from '../task/run.ts';

const MARK = '\u001e';

export function tagOutput(): void {
  tag(process.stdout);
  tag(process.stderr);
}

function tag(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (
    text: string,
    callback?: (error?: Error | null) => void,
  ) => boolean;
  let open: string | null | undefined; // the writer of a line that has no end yet
  stream.write = (chunk: Uint8Array | string, encoding?: unknown, callback?: unknown): boolean => {
    const done = (typeof encoding === 'function' ? encoding : callback) as undefined | (() => void);
    const token = currentToken();
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    if (text === '') return write(text, done);
    const continued = open !== undefined && open === token;
    const cut = open !== undefined && !continued ? '\n' : '';
    open = text.endsWith('\n') ? undefined : token;
    return write(cut + tagged(text, token, continued), done);
  };
}

function tagged(text: string, token: string | null, continued: boolean): string {
  if (token === null) return text;
  const tag = `${MARK}${token}${MARK}`;
  return (continued ? '' : tag) + text.replace(/\n(?!$)/g, `\n${tag}`);
}

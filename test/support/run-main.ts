import { Readable } from 'node:stream';
import { main } from '../../src/cli/main.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { CapturedStream } from './captured-stream.ts';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs one command line in this process. A text is cut at its blanks. With a `terminal`, stdout is one. */
export async function runMain(
  line: string | readonly string[],
  env: Record<string, string> = {},
  cwd = '/',
  terminal?: { readonly columns: number },
): Promise<Ran> {
  const stdout = new CapturedStream(terminal);
  const stderr = new CapturedStream();
  const words = typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line;
  const stdin = Readable.from([]);
  const code = await main(words, { stdin, stdout, stderr, env, cwd, clock: systemClock, version: '1.2.3' });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

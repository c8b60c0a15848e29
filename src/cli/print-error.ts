import { codeOf, EXIT, exitCodeOf } from './exit.ts';
import type { Output } from './output.ts';

/** Says what went wrong and answers the exit code; `hint` follows wrong usage. A fault of our own comes with its stack. */
export function printError(error: unknown, output: Output, hint = '--help shows how it is used'): number {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  const code = codeOf(error);
  if (code === undefined) {
    output.error(`this is a fault of forkloop: ${stack ?? message}`);
    return EXIT.internal;
  }
  if (code === 'ERR_CONFIG_INVALID' && /\n|: error: /.test(message)) output.errorText(message);
  else output.error(message);
  if (code === 'ERR_USAGE') output.message(hint);
  output.detail(`${code}${stack === undefined ? '' : `\n${stack}`}`);
  return exitCodeOf(error);
}

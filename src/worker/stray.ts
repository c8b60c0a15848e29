/** Errors that no handler's promise carries, and user code that ends the process: both end this worker. */

import { toErrorRecord } from '../lib/errors.ts';
import { currentToken } from '../task/run.ts';
import type { Port } from './port.ts';

/**
 * After an uncaught error nothing of this worker's state can be trusted: it names the job whose code is to blame and
 * ends. `beforeLeaving` posts what has ended well until then.
 */
export function endOnStrayErrors(port: Port, beforeLeaving: () => void): void {
  let leaving = false;
  const blame = (thrown: unknown) => {
    beforeLeaving();
    port.post({ type: 'culprit', token: currentToken(), error: toErrorRecord(thrown) });
  };
  const leave = (thrown: unknown) => {
    if (leaving) return;
    leaving = true;
    blame(thrown);
    void port.flush().then(() => port.exit(1));
  };
  process.on('uncaughtException', leave);
  process.on('unhandledRejection', leave);
  process.exit = (code) => {
    // The cluster module leaves by this function too, when the master is gone.
    if (!leaving && (process.connected ?? true)) blame(new ProcessExit(code ?? process.exitCode ?? 0));
    leaving = true;
    return port.exit(Number(code ?? process.exitCode ?? 0));
  };
}

class ProcessExit extends Error {
  override name = 'ProcessExit';
  constructor(code: string | number) {
    super(`process.exit(${code}) was called: throw an error to fail the job`);
  }
}

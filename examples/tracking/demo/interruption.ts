import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Resolves with the exit code when somebody wants the demo to end: a signal, or a standard output that nobody reads any
 * more. A second signal ends the process at once.
 */
export function interruption(): Promise<number> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        const code = 128 + constants.signals[signal];
        if (asked) process.exit(code);
        asked = true;
        resolve(code);
      });
    }
    process.stdout.on('error', () => resolve(1));
  });
}

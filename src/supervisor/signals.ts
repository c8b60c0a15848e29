import type { StopSignal } from './stop-escalation.ts';

const STOP_SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];

/**
 * Signals without a meaning for this daemon. Handled all the same, because what Node does by default is worse: USR1 opens
 * the inspector's port, HUP ends the process, as USR2 and PWR do.
 */
const IGNORED_SIGNALS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGPWR'] as const;

/** Reports signals until the returned function is called. Handlers only report: the supervisor acts. */
export function listenForSignals(
  onStop: (signal: StopSignal) => void,
  onIgnored: (signal: string) => void,
): () => void {
  const stop = (signal: NodeJS.Signals) => onStop(signal as StopSignal);
  const ignored = (signal: NodeJS.Signals) => onIgnored(signal);
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  for (const signal of IGNORED_SIGNALS) process.on(signal, ignored);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, stop);
    for (const signal of IGNORED_SIGNALS) process.off(signal, ignored);
  };
}

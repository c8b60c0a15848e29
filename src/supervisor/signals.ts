import type { StopSignal } from './stop-escalation.ts';

const STOP_SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];

/**
 * Signals without a meaning for this daemon. Handled all the same, because what Node does by default is worse: USR1 opens
 * the inspector's port, PWR ends the process.
 */
const IGNORED_SIGNALS = ['SIGUSR1', 'SIGPWR'] as const;

const RELOAD_SIGNALS = ['SIGHUP', 'SIGUSR2'] as const;

export interface SignalListener {
  stop(signal: StopSignal): void;
  /** `all`: every pool, whatever has changed. */
  reload(all: boolean): void;
  ignored(signal: string): void;
}

/** Reports signals until the returned function is called. Handlers only report: the supervisor acts. */
export function listenForSignals(listener: SignalListener): () => void {
  const stop = (signal: NodeJS.Signals) => listener.stop(signal as StopSignal);
  const ignored = (signal: NodeJS.Signals) => listener.ignored(signal);
  const reload = (signal: NodeJS.Signals) => listener.reload(signal === 'SIGUSR2');
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  for (const signal of IGNORED_SIGNALS) process.on(signal, ignored);
  for (const signal of RELOAD_SIGNALS) process.on(signal, reload);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, stop);
    for (const signal of IGNORED_SIGNALS) process.off(signal, ignored);
    for (const signal of RELOAD_SIGNALS) process.off(signal, reload);
  };
}

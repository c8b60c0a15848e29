import type { StopSignal } from './stop-escalation.ts';

const STOP_SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];

/**
 * Signals without a meaning for this daemon. Handled all the same, because what Node does by default is worse: USR1 opens
 * the inspector's port, USR2 and PWR end the process.
 */
const IGNORED_SIGNALS = ['SIGUSR1', 'SIGUSR2', 'SIGPWR'] as const;

export interface SignalListener {
  stop(signal: StopSignal): void;
  reload(): void;
  /** TTIN, TTOU: one worker more, one less. */
  step(step: 1 | -1): void;
  ignored(signal: string): void;
}

/** Reports signals until the returned function is called. Handlers only report: the supervisor acts. */
export function listenForSignals(listener: SignalListener): () => void {
  const stop = (signal: NodeJS.Signals) => listener.stop(signal as StopSignal);
  const ignored = (signal: NodeJS.Signals) => listener.ignored(signal);
  const reload = () => listener.reload();
  const more = () => listener.step(1);
  const less = () => listener.step(-1);
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  for (const signal of IGNORED_SIGNALS) process.on(signal, ignored);
  process.on('SIGHUP', reload);
  process.on('SIGTTIN', more);
  process.on('SIGTTOU', less);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, stop);
    for (const signal of IGNORED_SIGNALS) process.off(signal, ignored);
    process.off('SIGHUP', reload);
    process.off('SIGTTIN', more);
    process.off('SIGTTOU', less);
  };
}

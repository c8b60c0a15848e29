import type { StopSignal } from './stop-escalation.ts';

const STOP_SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];

/**
 * Signals without a meaning for this daemon. Handled all the same, because what Node does by default is worse: USR1 opens
 * the inspector's port, PWR ends the process.
 */
const IGNORED_SIGNALS = ['SIGUSR1', 'SIGPWR'] as const;

const RELOAD_SIGNALS = ['SIGHUP', 'SIGUSR2'] as const;
const STEP_SIGNALS = ['SIGTTIN', 'SIGTTOU'] as const;

export interface SignalListener {
  stop(signal: StopSignal): void;
  /** `all`: every pool, whatever has changed. */
  reload(all: boolean): void;
  /** TTIN, TTOU: one worker more, one less. */
  step(step: 1 | -1): void;
  ignored(signal: string): void;
}

/** Reports signals until the returned function is called. Handlers only report: the supervisor acts. */
export function listenForSignals(listener: SignalListener): () => void {
  const stop = (signal: NodeJS.Signals) => listener.stop(signal as StopSignal);
  const reload = (signal: NodeJS.Signals) => listener.reload(signal === 'SIGUSR2');
  const step = (signal: NodeJS.Signals) => listener.step(signal === 'SIGTTIN' ? 1 : -1);
  const ignored = (signal: NodeJS.Signals) => listener.ignored(signal);
  const handlers = [
    ...STOP_SIGNALS.map((signal) => [signal, stop] as const),
    ...RELOAD_SIGNALS.map((signal) => [signal, reload] as const),
    ...STEP_SIGNALS.map((signal) => [signal, step] as const),
    ...IGNORED_SIGNALS.map((signal) => [signal, ignored] as const),
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

import type { StopSignal } from './stop-escalation.ts';

const STOP_SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];

/** What signals ask for. */
export interface SignalListener {
  stop(signal: StopSignal): void;
  /** HUP; USR2: `all`: every pool, whatever has changed. */
  reload(all: boolean): void;
  /** TTIN, TTOU: one worker more, one less. */
  step(step: 1 | -1): void;
  /** TSTP and CONT. */
  quiet(quiet: boolean): void;
  /** PWR. */
  dump(): void;
  /** USR1; unhandled it would open the inspector's port. */
  reopenLog(): void;
}

export interface SignalOptions {
  /** The daemon runs in a terminal: there Ctrl-Z, which sends TSTP too, stops the process like any other. */
  readonly terminal: boolean;
}

/**
 * Reports signals until the returned function is called. Handlers only report: the supervisor acts. WINCH, which a terminal
 * sends when its size changes, needs none: by default it does nothing.
 */
export function listenForSignals(listener: SignalListener, { terminal }: SignalOptions): () => void {
  const handlers = new Map<NodeJS.Signals, (signal: NodeJS.Signals) => void>([
    ...STOP_SIGNALS.map((signal) => [signal, () => listener.stop(signal)] as const),
    ['SIGHUP', () => listener.reload(false)],
    ['SIGUSR2', () => listener.reload(true)],
    ['SIGTTIN', () => listener.step(1)],
    ['SIGTTOU', () => listener.step(-1)],
    ['SIGTSTP', terminal ? stopThisProcess : () => listener.quiet(true)],
    ['SIGCONT', () => listener.quiet(false)],
    ['SIGPWR', () => listener.dump()],
    ['SIGUSR1', () => listener.reopenLog()],
  ]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

/** What TSTP does to a process that does not handle it. Goes on at the next CONT. */
const stopThisProcess = (): void => {
  process.kill(process.pid, 'SIGSTOP');
};

/** Signals that belong to the master; a terminal sends some of them to its whole process group. */
const IGNORED = [
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR2',
  'SIGTTIN',
  'SIGTTOU',
  'SIGTSTP',
  'SIGWINCH',
  'SIGPWR',
] as const;

/** TERM drains this worker, which the master then replaces. All else that the master handles is ignored here; USR1 in debugger.ts. */
export function handleSignals(drain: () => void): void {
  for (const signal of IGNORED) process.on(signal, () => {});
  process.on('SIGTERM', drain);
}

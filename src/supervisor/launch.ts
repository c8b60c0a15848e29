import type { StatusReport } from '../control/messages/daemon.ts';

export type Launch = StatusReport['launch'];

export interface LaunchFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly cwd: string;
  /** Stdin is a terminal. */
  readonly terminal: boolean;
  /** The words that start it again, of a daemon that was started detached; else null. */
  readonly detached: readonly string[] | null;
}

/** Who has to start this daemon again when it has ended. */
export function launchOf({ env, pid, cwd, terminal, detached }: LaunchFacts): Launch {
  if (detached !== null) return { by: 'detach', words: detached, cwd };
  const systemd = (env['NOTIFY_SOCKET'] ?? '') !== '' || env['SYSTEMD_EXEC_PID'] === String(pid);
  return { by: systemd ? 'systemd' : terminal ? 'terminal' : 'other', words: [], cwd };
}

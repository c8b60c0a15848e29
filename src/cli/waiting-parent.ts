/** The daemon's side of `start --detach`: the process that started it waits to hear how the start ends. */

import { codeOf } from './exit.ts';

/** Marks a daemon whose parent waits on its IPC channel. */
export const DETACHED_VARIABLE = 'FORKLOOP_DETACHED';

/** `code`: of a ForkloopError; null: a fault, told by its stack. */
export type StartMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly code: string | null; readonly message: string };

export interface WaitingParent {
  /** It goes its way; the daemon stays. */
  ready(): void;
  /** Resolves when it was told. */
  failed(error: unknown): Promise<void>;
}

/** Null: nobody waits. A parent that goes before it was told ends the daemon: nobody would know of it. */
export function waitingParent(env: Readonly<Record<string, string | undefined>>): WaitingParent | null {
  const send = process.send?.bind(process);
  if (env[DETACHED_VARIABLE] !== '1' || send === undefined) return null;
  // As long as the daemon listens for no signals, TERM ends it at once: there is nothing to clean up yet.
  const abandoned = () =>
    process.kill(process.pid, process.listenerCount('SIGQUIT') > 0 ? 'SIGQUIT' : 'SIGTERM');
  process.once('disconnect', abandoned);
  const tell = (message: StartMessage): Promise<void> =>
    new Promise((resolve) => {
      process.off('disconnect', abandoned);
      const told = () => {
        if (process.connected) process.disconnect();
        resolve();
      };
      send(message, undefined, undefined, told);
    });
  return {
    ready: () => void tell({ type: 'ready' }),
    failed: (error) => {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      const code = codeOf(error) ?? null;
      return tell({ type: 'failed', code, message: code === null ? (stack ?? message) : message });
    },
  };
}

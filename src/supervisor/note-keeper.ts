import type { Logger } from '../lib/logger.ts';
import { bootId, writeNote } from './predecessor.ts';

/** Keeps the note for a successor up to date: written when a lease is opened, before anything is claimed with it. */
export function createNoteKeeper(directory: string, lock: string, run: string, log: Logger) {
  const sessions: Record<string, string> = {};
  const write = () => {
    try {
      writeNote(directory, { bootId: bootId(), lock, run, pid: process.pid, sessions });
    } catch (error) {
      // Only the early handover is lost: a successor waits for the leases to lapse.
      log.warn('the note for a successor cannot be written', { directory, error: String(error) });
    }
  };
  return {
    begin: write,
    session: (queue: string, daemon: string) => {
      sessions[queue] = daemon;
      write();
    },
  };
}

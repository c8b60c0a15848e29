/**
 * What a signal does to a daemon that is stopping or is not yet: pure.
 *
 *     running --TERM, INT--> warm --TERM (>= 2 s later), INT (>= 1 s later), QUIT--> cold --INT--> kill
 *     running --QUIT--> cold
 */

export type StopMode = 'running' | 'warm' | 'cold' | 'kill';
export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT';

/** A service manager signals the whole group, a shell may repeat itself: a second TERM so soon is the first one. */
const TERM_ECHO_MS = 2_000;
const INT_ECHO_MS = 1_000;

/** The mode after `signal`; `sinceMs` since the mode was entered. */
export function escalate(mode: StopMode, signal: StopSignal, sinceMs: number): StopMode {
  switch (mode) {
    case 'running':
      return signal === 'SIGQUIT' ? 'cold' : 'warm';
    case 'warm':
      if (signal === 'SIGQUIT') return 'cold';
      return sinceMs >= (signal === 'SIGTERM' ? TERM_ECHO_MS : INT_ECHO_MS) ? 'cold' : 'warm';
    case 'cold':
      return signal === 'SIGINT' && sinceMs >= INT_ECHO_MS ? 'kill' : 'cold';
    case 'kill':
      return 'kill';
  }
}

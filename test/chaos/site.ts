/** Where the jobs of a run are stored: what can be done to it, and what it holds. */

import type { BrokerAction } from './faults.ts';
import type { Event } from './history.ts';

export interface Site {
  /** `broker` of the configuration of a daemon, by the daemon's name. */
  brokerFor(daemon: string): Promise<Readonly<Record<string, unknown>>>;
  /** As `createClient` takes it: by which the producer enqueues, in turn if there are several. */
  readonly entrances: readonly string[];
  act(action: BrokerAction): Promise<void>;
  /** How many jobs that were enqueued have not ended; null when nobody can tell now. */
  left(): Promise<number | null>;
  /** What is there after all daemons have stopped. */
  dump(): Promise<readonly Event[]>;
  /** What a failing run keeps of it. */
  keep(folder: string): void;
  close(): Promise<void>;
}

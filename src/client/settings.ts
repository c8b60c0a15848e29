import { DEFAULT_PRIORITY } from '../lib/priority.ts';
import { createRouter, type Router } from '../task/router.ts';

/** What a client must know beside its broker. */
export interface ClientSettings {
  readonly router: Router;
  /** The queues that a pool serves; null when no configuration says so: then any name goes. */
  readonly queues: ReadonlySet<string> | null;
  readonly maxPayloadBytes: number;
  priority(queue: string): number;
  /** How long the queue keeps results by itself, ms; undefined when only on request. */
  resultTtlMs(queue: string): number | undefined;
}

/** Without a configuration: no routes, any queue, 1 MiB. */
export const plainSettings: ClientSettings = {
  router: createRouter([]),
  queues: null,
  maxPayloadBytes: 1024 ** 2,
  priority: () => DEFAULT_PRIORITY,
  resultTtlMs: () => undefined,
};

import type { Config } from '../config/schema.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Pool } from '../pool/pool.ts';

export interface CrashLoopWatchOptions {
  readonly pools: readonly Pick<Pool, 'name' | 'status'>[];
  /** That in force. */
  readonly config: () => Pick<Config, 'pools'>;
  readonly supervisor: { readonly works: boolean; giveUp(): void };
  readonly log: Logger;
}

/** Ends the daemon when a pool is in its crash loop and its configuration says so (`restart.on_crash_loop: exit`). */
export class CrashLoopWatch {
  readonly #options: CrashLoopWatchOptions;
  #failure: ForkloopError | null = null;

  constructor(options: CrashLoopWatchOptions) {
    this.#options = options;
  }

  /** Why the daemon was ended: ERR_POOL_NOT_READY; null = it was not. */
  get failure(): ForkloopError | null {
    return this.#failure;
  }

  look(): void {
    const { pools, config, supervisor, log } = this.#options;
    if (this.#failure !== null || !supervisor.works) return;
    for (const pool of pools) {
      const { name } = pool;
      if (config().pools[name]?.restart.on_crash_loop !== 'exit') continue;
      const status = pool.status();
      if (status.state !== 'crash_loop') continue;
      const last = status.workers.find(({ lastExit }) => lastExit !== null)?.lastExit ?? 'not known';
      const message = `pool ${name} is in a crash loop, which ends the daemon (restart.on_crash_loop: exit); why a worker ended: ${last}`;
      this.#failure = new ForkloopError('ERR_POOL_NOT_READY', message);
      log.error('a pool is in a crash loop, the daemon ends', { pool: name, reason: last });
      supervisor.giveUp();
      return;
    }
  }
}

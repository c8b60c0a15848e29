import { ForkloopError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Handover } from './handover.ts';
import type { WorkerRenewal } from './pool.ts';
import type { Slot } from './slot.ts';

export interface RenewalOptions {
  readonly name: string;
  readonly handover: Handover;
  readonly logger: Logger;
  /** Empty when nobody may be replaced. */
  readonly slots: () => readonly Slot[];
}

/** Replaces the worker of a slot because somebody asks for it: the new one first, one at a time with all other replacements. */
export class Renewal {
  readonly #options: RenewalOptions;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /** Resolves when the old worker has gone, or stays. @throws ForkloopError ERR_OPTION_INVALID: there is no such slot */
  async renew(index: number): Promise<WorkerRenewal> {
    const { name, handover, logger, slots } = this.#options;
    const slot = slots().find((one) => one.index === index);
    if (slot === undefined) {
      const message = `pool ${name} has no worker ${index}: "supervisor worker list" shows them`;
      throw new ForkloopError('ERR_OPTION_INVALID', message);
    }
    return handover.turn(async () => {
      const about = { worker: index, worker_pid: slot.worker?.pid ?? null };
      logger.info('restarting worker, as asked', about);
      const end = await handover.replace(slot, { probationMs: 0 });
      if (end.type === 'taken') return { slot: index, pid: slot.worker?.pid ?? null, error: null };
      const error =
        end.type === 'failed'
          ? `its replacement did not start: ${end.cause.text}`
          : 'its pool has shrunk or stops';
      logger.error('the worker stays', { ...about, reason: error });
      return { slot: index, pid: slot.worker?.pid ?? null, error };
    });
  }
}

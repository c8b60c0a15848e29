import { BrokerError } from '../broker/broker-error.ts';
import type { JobHandle } from './job-handle.ts';

/** Thrown by `enqueueMany` when only some were stored. */
export class EnqueueManyError extends BrokerError {
  readonly stored: readonly JobHandle[];

  constructor(stored: readonly JobHandle[], total: number, cause: BrokerError) {
    super(cause.disposition, `${stored.length} of ${total} jobs were stored for certain: ${cause.message}`, {
      cause,
      code: cause.code,
    });
    this.name = 'EnqueueManyError';
    this.stored = stored;
  }
}

import { type ErrorCode, ForkloopError } from '../lib/errors.ts';

/**
 * How a failed call ended. `refused`: not executed. `unknown`: may have been executed; send the same again.
 * `fatal`: not executed, and only a person can change that (wrong password, wrong type of key).
 */
export type Disposition = 'refused' | 'unknown' | 'fatal';

export class BrokerError extends ForkloopError {
  readonly disposition: Disposition;

  constructor(disposition: Disposition, message: string, options?: ErrorOptions & { code?: ErrorCode }) {
    super(options?.code ?? 'ERR_BROKER_UNAVAILABLE', message, options);
    this.name = 'BrokerError';
    this.disposition = disposition;
  }
}

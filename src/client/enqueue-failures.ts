import { BrokerError } from '../broker/broker-error.ts';

export const notStored = (timeoutMs: number): BrokerError =>
  new BrokerError('refused', `the broker did not answer in time (${timeoutMs} ms); the job was not stored`);

/** This send was refused, but an earlier one of the same batch may have been carried out, or may still arrive. */
export const perhapsStored = (reply: BrokerError): BrokerError =>
  new BrokerError(
    'unknown',
    `whether the jobs were stored is unknown; the last try was refused: ${reply.message}`,
    {
      code: reply.code,
      cause: reply,
    },
  );

export function timedOut(cause: BrokerError, maybeStored: boolean, timeoutMs: number): BrokerError {
  const end = maybeStored ? 'whether the jobs were stored is unknown' : 'nothing was stored';
  return new BrokerError(
    maybeStored ? 'unknown' : 'refused',
    `the broker did not answer in time (${timeoutMs} ms), ${end}: ${cause.message}`,
    {
      cause,
    },
  );
}

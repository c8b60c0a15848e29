import { BrokerError } from '../broker/broker-error.ts';

/** What a call of the broker answers; it is sent once more when nobody knows whether it was carried out. */
export async function answered<Reply>(call: () => Promise<Reply>): Promise<Reply> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof BrokerError && error.disposition === 'unknown') return call();
    throw error;
  }
}

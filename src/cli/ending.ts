import type { JobHandle } from '../client/client.ts';
import { isErrorRecord, type ToldError, toErrorRecord, toldError } from '../lib/errors.ts';
import { codeOf } from './exit.ts';

/** How a job that was waited for ended, as it is printed. `pending`: it had not when we stopped waiting. */
export type Ending =
  | { readonly status: 'completed'; readonly result: unknown }
  | { readonly status: 'dead' | 'cancelled' | 'expired'; readonly error: ToldError }
  | { readonly status: 'pending' };

const STATUS_OF = {
  ERR_JOB_DEAD: 'dead',
  ERR_JOB_CANCELLED: 'cancelled',
  ERR_JOB_EXPIRED: 'expired',
} as const;

/** Waits for the end, however it turns out. Rejects only when the end can never be told (its result is not kept). */
export async function endingOf(
  handle: JobHandle,
  options?: Parameters<JobHandle['result']>[0],
): Promise<Ending> {
  try {
    return { status: 'completed', result: (await handle.result(options)) ?? null };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ERR_RESULT_TIMEOUT' || code === 'ERR_CLIENT_CLOSED') return { status: 'pending' };
    if (code !== 'ERR_JOB_DEAD' && code !== 'ERR_JOB_CANCELLED' && code !== 'ERR_JOB_EXPIRED') throw error;
    return { status: STATUS_OF[code], error: errorOf(error as Error) };
  }
}

/** The job's own error, which the client hands over as the cause. */
const errorOf = (error: Error): ToldError =>
  toldError(isErrorRecord(error.cause) ? error.cause : toErrorRecord(error));

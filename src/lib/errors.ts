/** Every code a `ForkloopError` can carry. Stable: callers compare codes, never messages. */
export type ErrorCode =
  | 'ERR_CONFIG_INVALID'
  | 'ERR_BROKER_UNAVAILABLE'
  | 'ERR_BROKER_UNFIT'
  | 'ERR_BROKER_FULL'
  | 'ERR_INPUT_INVALID'
  | 'ERR_INPUT_TOO_LARGE'
  | 'ERR_OPTION_INVALID'
  | 'ERR_RESULT_INVALID'
  | 'ERR_RESULT_TOO_LARGE'
  | 'ERR_TASK_UNKNOWN'
  | 'ERR_TASK_INVALID'
  | 'ERR_TASK_MODULE'
  | 'ERR_QUEUE_UNKNOWN'
  | 'ERR_RESULT_TIMEOUT'
  | 'ERR_RESULT_NOT_KEPT'
  | 'ERR_JOB_DEAD'
  | 'ERR_JOB_CANCELLED'
  | 'ERR_JOB_EXPIRED'
  | 'ERR_JOB_TIMEOUT'
  | 'ERR_LEASE_LOST'
  | 'ERR_DRAINING'
  | 'ERR_WORKER_CRASHED'
  | 'ERR_POOL_NOT_READY'
  | 'ERR_NOT_RUNNING'
  | 'ERR_NO_ANSWER'
  | 'ERR_ALREADY_RUNNING'
  | 'ERR_CLIENT_CLOSED'
  | 'ERR_JOB_UNKNOWN'
  | 'ERR_JOB_IN_FLIGHT'
  | 'ERR_JOB_CHANGED'
  | 'ERR_KEY_HELD'
  | 'ERR_SCHEDULE_UNKNOWN'
  | 'ERR_COMMAND_INVALID'
  | 'ERR_SOCKET_UNTRUSTED'
  | 'ERR_LOG_FILE'
  | 'ERR_RESTART_REFUSED'
  | 'ERR_USAGE'
  | 'ERR_INTERNAL';

const BRAND = Symbol.for('forkloop.error');

/** An error that forkloop raises. The message says what is wrong and the way out. */
export class ForkloopError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ForkloopError';
    this.code = code;
  }

  get [BRAND](): true {
    return true;
  }
}

/** Whether an error is one of ours, of whichever copy of this package. */
export function isForkloopError(value: unknown): value is ForkloopError {
  return value instanceof Error && BRAND in value;
}

/** An error as data: what crosses processes, is stored with a job and printed. Texts are already bounded. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

/** What callers and the command line are told of an error. */
export type ToldError = Omit<ErrorRecord, 'stack'>;

export const toldError = ({ name, message, code }: ErrorRecord): ToldError => ({
  name,
  message,
  ...(code === undefined ? {} : { code }),
});

/** Whether what was stored as an error record is one. */
export function isErrorRecord(value: unknown): value is ErrorRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { name, message, code, stack } = value as Readonly<Record<string, unknown>>;
  const isText = (text: unknown) => typeof text === 'string';
  return isText(name) && isText(message) && [code, stack].every((text) => text === undefined || isText(text));
}

const MESSAGE_LIMIT = 2_000;
const STACK_LIMIT = 4_000;

/** Any thrown value as data; never throws itself, whatever getters the value has. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  try {
    if (thrown instanceof Error) {
      const code = (thrown as { code?: unknown }).code;
      return {
        name: clip(String(thrown.name), 100),
        message: clip(String(thrown.message), MESSAGE_LIMIT),
        ...(typeof code === 'string' || typeof code === 'number' ? { code: clip(String(code), 100) } : {}),
        ...(typeof thrown.stack === 'string' ? { stack: clip(thrown.stack, STACK_LIMIT) } : {}),
      };
    }
    return { name: 'Error', message: clip(`thrown: ${describe(thrown)}`, MESSAGE_LIMIT) };
  } catch {
    return { name: 'Error', message: 'a value was thrown that cannot be described' };
  }
}

/** A stack that was not thrown, cut as those that were. */
export const clipStack = (text: string): string => clip(text, STACK_LIMIT);

function describe(value: unknown): string {
  if (typeof value === 'string') return value;
  return (typeof value === 'object' && value !== null ? JSON.stringify(value) : undefined) ?? String(value);
}

function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

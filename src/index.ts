export { BrokerError, type Disposition } from './broker/broker-error.ts';
export {
  type Client,
  type ClientOptions,
  createClient,
  type EnqueueOptions,
  type JobHandle,
  type JobStatus,
} from './client/client.ts';
export { type ErrorCode, ForkloopError } from './lib/errors.ts';
export type { ByteSize, Duration } from './lib/units.ts';
export {
  defineTask,
  type Task,
  type TaskContext,
  type TaskOptions,
} from './task/define.ts';
export type { RetryOptions } from './task/retry-options.ts';
export { NonRetryable, RetryAfter, Snooze } from './task/steering.ts';

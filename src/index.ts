export { ForkloopError, type ErrorCode } from './lib/errors.ts';
export type { ByteSize, Duration } from './lib/units.ts';
export { BrokerError, type Disposition } from './broker/broker.ts';
export { defineTask, type RetryOptions, type Task, type TaskContext, type TaskOptions } from './task/define.ts';
export { NonRetryable, RetryAfter, Snooze } from './task/steering.ts';
export {
  type Client,
  type ClientOptions,
  createClient,
  type EnqueueOptions,
  type JobHandle,
  type JobStatus,
} from './client/client.ts';

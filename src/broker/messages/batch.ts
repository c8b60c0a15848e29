/** How much one call carries. */

/** The most jobs that one exchange may claim, and the most settlements it may carry. */
export const BATCH_LIMIT = 256;

/**
 * Where a batch of jobs stops growing, in bytes of records: a claim stops after the job that passes it (and answers
 * `more`), a producer cuts its batches there. One job alone may be larger.
 */
export const BATCH_BYTES_LIMIT = 4 * 1024 * 1024;

/** What a job of the benchmark carries. */
export interface JobInput {
  /** `count`: only how many and when the first and last; `stamp`: when each one began and ended. */
  readonly probe: 'count' | 'stamp';
  /** Jobs of one phase are counted together. */
  readonly phase: number;
  /** Of this job within its phase. */
  readonly index: number;
  /** CPU work: so many turns of a loop. */
  readonly turns?: number;
  /** I/O work: so many milliseconds of waiting. */
  readonly waitMs?: number;
  readonly padding?: string;
}

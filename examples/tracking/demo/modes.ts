/** One of the three ways to run the same load. */
export interface Mode {
  readonly name: 'process' | 'async' | 'both';
  readonly label: string;
  /** The `pools` of the configuration; `env` is what the workers need to know. */
  pools(workers: number, env: Readonly<Record<string, string>>): Readonly<Record<string, object>>;
}

const QUEUES = ['geo', 'eta', 'maintenance'] as const;
const SLOTS = 200;

/** Each single pool gets all queues. */
export const MODES: readonly Mode[] = [
  {
    name: 'process',
    label: 'process pool alone',
    pools: (workers, env) => ({ all: { kind: 'process', workers, queues: QUEUES, env } }),
  },
  {
    name: 'async',
    label: 'async pool alone',
    // A loop that filters traces answers nothing for long. It must not be taken for hung and replaced, or the load would
    // never end.
    pools: (_, env) => ({
      all: { kind: 'async', concurrency: SLOTS, queues: QUEUES, env, block_timeout: '10m' },
    }),
  },
  {
    name: 'both',
    label: 'both',
    pools: (workers, env) => ({
      cpu: { kind: 'process', workers, queues: ['geo'], env },
      io: { kind: 'async', concurrency: SLOTS, queues: ['eta'], env },
      upkeep: { kind: 'async', concurrency: 2, queues: ['maintenance'], env },
    }),
  },
];

import { poolContract } from './pool.ts';

poolContract({ name: 'thread', options: { kind: 'async', host: 'thread', concurrency: 100 } });

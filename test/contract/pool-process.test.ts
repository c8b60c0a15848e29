import { poolContract } from './pool.ts';

poolContract({ name: 'child processes', options: { kind: 'process', workers: 1 } });

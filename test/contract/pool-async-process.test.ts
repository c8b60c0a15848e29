import { poolContract } from './pool.ts';

poolContract({
  name: 'async pool in a child process',
  options: { kind: 'async', host: 'process', concurrency: 100 },
});

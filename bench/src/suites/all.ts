import type { Suite } from './suite.ts';
import { throughput } from './throughput.ts';

/** In the order in which they run. */
export const SUITES: readonly Suite[] = [throughput];

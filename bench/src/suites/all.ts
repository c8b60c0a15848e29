import { footprint } from './footprint.ts';
import { isolation } from './isolation.ts';
import { latency } from './latency.ts';
import { mixed } from './mixed.ts';
import { scale } from './scale.ts';
import type { Suite } from './suite.ts';
import { throughput } from './throughput.ts';

/** In the order in which they run. */
export const SUITES: readonly Suite[] = [mixed, throughput, latency, isolation, scale, footprint];

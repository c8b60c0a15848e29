/** Computes for so many seconds and nothing else: it ends by itself, whatever becomes of who started it. */

import { spin } from '../measure/spin.ts';

const end = performance.now() + Number(process.argv[2]) * 1_000;
while (performance.now() < end) spin(100_000);

import { defineTask } from '../../../dist/index.js';
import type { JobInput } from './job-input.ts';
import { work } from './work.ts';

export const bench = defineTask('bench', { run: (input: JobInput) => work(input) });
/** Tells that workers take jobs. */
export const ready = defineTask('ready', { run: () => true });

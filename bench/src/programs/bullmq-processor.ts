/** What BullMQ's sandbox runs in a process of its own. */

import type { SandboxedJob } from 'bullmq';
import type { JobInput } from './job-input.ts';
import { work } from './work.ts';

export default async (job: SandboxedJob<JobInput>): Promise<void> => work(job.data);

import type { Client, EnqueueOptions } from '../client/client.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Duration } from '../lib/units.ts';
import type { Task } from '../task/define.ts';

/** What the command line asks to be enqueued, apart from the input. */
export interface EnqueueRequest {
  readonly task: Task;
  readonly options: EnqueueOptions;
  readonly wait: boolean;
  readonly config: LoadedConfig;
}

/** Loads the client only now: it brings the broker's library with it. */
export async function openClient(config: LoadedConfig, enqueueTimeout: Duration): Promise<Client> {
  const { createClient } = await import('../client/client.ts');
  return createClient({ config, enqueueTimeout });
}

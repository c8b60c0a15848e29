import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BrokerError, type Client, createClient } from 'forkloop';
import { stringify } from 'yaml';
import { type Child, isRunning, type Workspace } from './workspace.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const READY_MS = 30_000;

export interface Daemon {
  readonly client: Client;
  stop(): Promise<void>;
}

/** The real daemon on an embedded store of its own, taking jobs when this resolves. */
export async function startDaemon(workspace: Workspace, run: string, pools: object): Promise<Daemon> {
  const config = workspace.path(`${run}.yaml`);
  await writeFile(config, stringify(configOf(workspace, run, pools), { aliasDuplicateObjects: false }));
  const child = workspace.start(run, [`${ROOT}bin/supervisor`, 'start', '-c', config]);
  // A machine with other things to do makes jobs late, which is measured; it must not make them fail.
  const client = createClient({ config, enqueueTimeout: '60s' });
  await untilReady(child, client);
  return {
    client,
    async stop() {
      await client.close();
      await workspace.stop(child);
    },
  };
}

function configOf(workspace: Workspace, run: string, pools: object): object {
  return {
    version: 1,
    name: `demo-${run}`,
    tasks: [`${ROOT}examples/tracking/tasks/*`],
    broker: { type: 'embedded', path: workspace.path(`${run}.db`) },
    control: { directory: workspace.path(run) },
    pools,
    routes: [
      { task: 'location.*', queue: 'geo' },
      { task: 'eta.*', queue: 'eta' },
      { task: 'maintenance.*', queue: 'maintenance' },
    ],
    log: { level: 'warn' },
    shutdown: { drain_timeout: '2s', cold_grace: '1s' },
  };
}

/** Ready is when a job has run, not when a process has started. */
async function untilReady(child: Child, client: Client): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    try {
      const handle = await client.enqueue('maintenance.purge', { older_than_s: 600 }, { result: '1m' });
      await handle.result({ timeout: '30s' });
      return;
    } catch (error) {
      if (!isRunning(child)) throw new Error(`the daemon did not start:\n${child.output().trimEnd()}`);
      if (!(error instanceof BrokerError) || performance.now() > deadline) {
        throw new Error(`the daemon takes no job: ${(error as Error).message}\n${child.output().trimEnd()}`);
      }
      await sleep(50);
    }
  }
}

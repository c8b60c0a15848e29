import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { callDaemon } from '../../../dist/control/client.js';
import { type Client, createClient } from '../../../dist/index.js';
import { systemClock } from '../../../dist/lib/clock.js';
import { familyOf } from '../site/processes.ts';
import type { Child } from '../site/workspace.ts';
import type { Contender, ContenderOptions, Site, System } from './contender.ts';
import { queueOf } from './layout.ts';

const PROGRAM = fileURLToPath(new URL('../../../bin/supervisor', import.meta.url));
const TASKS = fileURLToPath(new URL('../programs/forkloop-tasks.js', import.meta.url));
const READY_MS = 30_000;
/** A machine with other things to do makes jobs late, which is measured; it must not make them fail. */
const ENQUEUE_TIMEOUT = '60s';
/** Handles in memory at once. */
const BULK = 10_000;

export interface ForkloopOptions extends ContenderOptions {
  /** To look into its master: further arguments for Node.js, and variables. */
  readonly look?: {
    readonly nodeArguments: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
}

/** forkloop: the daemon that `bin/supervisor start` runs, on Redis where the site has one, else on its embedded store. */
export function forkloop(options: ForkloopOptions): Contender {
  return { name: options.name, open: (site) => open(options, site) };
}

async function open(options: ForkloopOptions, site: Site): Promise<System> {
  const daemon = await startDaemon(options, site);
  const client = createClient({ config: daemon.config, enqueueTimeout: ENQUEUE_TIMEOUT });
  const queueFor = (wanted?: string) => ({ queue: queueOf(options, wanted) });
  const result = options.keepResults ? { result: '10m' as const } : {};
  await runOne(client, options);
  return {
    enqueue: async (input, queue) => {
      await client.enqueue('bench', input, { ...queueFor(queue), ...result });
    },
    async enqueueMany(inputs, queue) {
      for (let from = 0; from < inputs.length; from += BULK)
        await client.enqueueMany('bench', inputs.slice(from, from + BULK), {
          ...queueFor(queue),
          ...result,
        });
    },
    async enqueueDelayed(inputs, delayMs) {
      for (let from = 0; from < inputs.length; from += BULK)
        await client.enqueueMany('bench', inputs.slice(from, from + BULK), {
          ...queueFor(),
          delay: `${delayMs}ms`,
        });
    },
    hold: () => daemon.call('quiet', { off: false }),
    release: () => daemon.call('quiet', { off: true }),
    pids: () => familyOf(daemon.child.pid),
    async close() {
      await client.close();
      await site.workspace.stop(daemon.child, 'SIGQUIT');
    },
  };
}

export interface Daemon {
  readonly child: Child;
  readonly config: string;
  /** From the call of spawn to the first answer that it runs, ms. */
  readonly readyMs: number;
  call(command: 'quiet', given: { off: boolean }): Promise<void>;
  call(command: 'reload', given: { all: boolean; dry_run: boolean }): Promise<void>;
}

/** Resolves when the daemon says that it is running. */
export async function startDaemon(options: ForkloopOptions, site: Site): Promise<Daemon> {
  const folder = site.workspace.folder('forkloop');
  const config = join(folder, 'supervisor.yaml');
  writeFileSync(config, JSON.stringify(configOf(options, site, folder), null, 2)); // JSON is YAML
  const begun = performance.now();
  const { nodeArguments = [], env = {} } = options.look ?? {};
  const child = site.workspace.start(process.execPath, [...nodeArguments, PROGRAM, 'start', '-c', config], {
    env: { NODE_ENV: 'production', ...env },
  });
  const socket = join(folder, 'control.sock');
  await untilRunning(child, socket);
  return {
    child,
    config,
    readyMs: performance.now() - begun,
    async call(command: 'quiet' | 'reload', given: object) {
      await callDaemon(socket, command, given as never, { timeoutMs: 60_000, clock: systemClock });
    },
  };
}

function configOf(options: ContenderOptions, { redis, probe }: Site, folder: string): object {
  return {
    version: 1,
    name: 'bench',
    tasks: [TASKS],
    broker:
      redis === null
        ? { type: 'embedded', path: join(folder, 'jobs.db') }
        : { type: 'redis', url: redis.url },
    control: { directory: folder },
    pools: Object.fromEntries(
      options.pools.map(({ kind, size, queues }, index) => [
        `${kind}-${index}`,
        {
          kind,
          queues,
          env: { BENCH_PROBE: probe },
          // A loop that computes answers nothing for long: it must not be taken for hung, or a load would never end.
          ...(kind === 'process' ? { workers: size } : { concurrency: size, block_timeout: '10m' }),
        },
      ]),
    ),
    defaults: { timeout: '10m' },
    log: { level: 'warn' },
    shutdown: { drain_timeout: '5s', cold_grace: '1s' },
  };
}

async function untilRunning(child: Child, socket: string): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const status = await callDaemon(socket, 'status', {}, { timeoutMs: 2_000, clock: systemClock }).catch(
      () => null,
    );
    if (status?.state === 'running') return;
    if (child.process.exitCode !== null) throw new Error(`the daemon did not start:\n${child.output()}`);
    if (performance.now() > deadline) throw new Error(`the daemon does not get ready:\n${child.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Each pool has run a job: the first one costs more than the others. */
async function runOne(client: Client, { pools }: ContenderOptions): Promise<void> {
  for (const { queues } of pools) {
    for (const queue of queues) {
      const job = await client.enqueue('ready', null, { queue, result: '1m' });
      await job.result({ timeout: '30s' });
    }
  }
}

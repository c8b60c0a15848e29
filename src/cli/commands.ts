import type { Command } from 'commander';
import type { Bind } from './context.ts';

/** Makes one command, with those inside of it. */
export type AddCommand = (program: Command, bind: Bind) => void;

/** Commands under one heading of help. */
export interface CommandGroup {
  readonly heading: string;
  readonly adders: readonly AddCommand[];
}

type Loaders = Readonly<Record<string, () => Promise<AddCommand>>>;

/** As help lists them. */
const GROUPS: readonly (readonly [heading: string, commands: Loaders])[] = [
  [
    'Run the daemon:',
    {
      start: async () => (await import('./start.ts')).addStart,
      stop: async () => (await import('./stop.ts')).addStop,
      restart: async () => (await import('./restart.ts')).addRestart,
      reload: async () => (await import('./reload.ts')).addReload,
      scale: async () => (await import('./scale.ts')).addScale,
      quiet: async () => (await import('./quiet.ts')).addQuiet,
    },
  ],
  [
    'Look at it:',
    {
      status: async () => (await import('./status.ts')).addStatus,
      health: async () => (await import('./health.ts')).addHealth,
      worker: async () => (await import('./worker.ts')).addWorker,
      logs: async () => (await import('./logs.ts')).addLogs,
      dump: async () => (await import('./dump.ts')).addDump,
      check: async () => (await import('./check.ts')).addCheck,
      config: async () => (await import('./config.ts')).addConfig,
      doctor: async () => (await import('./doctor.ts')).addDoctor,
    },
  ],
  [
    'Work with jobs:',
    {
      enqueue: async () => (await import('./enqueue.ts')).addEnqueue,
      job: async () => (await import('./job.ts')).addJob,
      queue: async () => (await import('./queue.ts')).addQueue,
      schedule: async () => (await import('./schedule.ts')).addSchedule,
      task: async () => (await import('./task.ts')).addTask,
    },
  ],
  [
    'This program:',
    {
      completion: async () => (await import('./completion.ts')).addCompletion,
      version: async () => (await import('./version.ts')).addVersion,
    },
  ],
];

/**
 * What a command line that begins with `word` needs: that command alone where it names one (the others cost a daemon a tenth
 * of its start), else all of them, for help and for completion.
 */
export async function loadCommands(word?: string): Promise<readonly CommandGroup[]> {
  const named = GROUPS.some(([, commands]) => word !== undefined && Object.hasOwn(commands, word));
  const groups = GROUPS.map(async ([heading, commands]) => {
    const wanted = Object.entries(commands).filter(([name]) => !named || name === word);
    return { heading, adders: await Promise.all(wanted.map(([, load]) => load())) };
  });
  return (await Promise.all(groups)).filter(({ adders }) => adders.length > 0);
}

/** What a person would look at by hand when something does not work: one function for each check. */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config, LoadedConfig } from '../config/load.ts';
import { workerCount } from '../config/workers.ts';
import { callDaemon } from '../control/client.ts';
import type { StatusReport } from '../control/messages/daemon.ts';
import { findTsx, stripsTypes } from '../task/typescript.ts';
import { CALL_TIMEOUT_MS, type CommandContext } from './context.ts';
import { codeOf } from './exit.ts';
import { shortPath } from './status-view.ts';
import { loadTasks } from './task-modules.ts';
import { taskReport } from './task-report.ts';

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail' | 'skip';
  readonly message: string;
  /** The way out; null where none is needed. */
  readonly fix: string | null;
}

type Found = Omit<Check, 'name'>;

const ok = (message: string): Found => ({ status: 'ok', message, fix: null });
const skip = (message: string): Found => ({ status: 'skip', message, fix: null });
const warn = (message: string, fix: string): Found => ({ status: 'warn', message, fix });
const fail = (message: string, fix: string): Found => ({ status: 'fail', message, fix });

const OLDEST_NODE = [20, 19] as const;

/** `version` as in `v20.19.0`. */
export function checkNode(version: string): Found {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  const isOld = major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
  return isOld
    ? fail(`${version} is too old`, `install Node.js ${OLDEST_NODE.join('.')} or newer`)
    : ok(version);
}

export function checkFlock(): Found {
  const { error } = spawnSync('flock', ['--version'], { stdio: 'ignore' });
  return error === undefined
    ? ok('is installed')
    : fail(`cannot be run: ${error.message}`, 'install util-linux: it guards against a second daemon');
}

const LOAD_LIMIT_MS = 10_000;

export async function checkTasks({ modules, config }: LoadedConfig, context: CommandContext): Promise<Found> {
  const late = new AbortController();
  try {
    const tasks = await Promise.race([
      loadTasks(modules, context),
      context.clock.sleep(LOAD_LIMIT_MS, late.signal).then(() => null),
    ]);
    if (tasks === null)
      return fail(
        `they do not load within ${LOAD_LIMIT_MS / 1_000} s`,
        'look for what a module waits for when it is imported',
      );
    const lost = [...tasks.values()]
      .map(({ manifest }) => taskReport(manifest, config))
      .filter(({ pool }) => pool === null);
    const [first] = lost;
    if (first === undefined)
      return ok(`${tasks.size} in ${modules.length} ${modules.length === 1 ? 'module' : 'modules'}`);
    return warn(
      `${lost.map(({ name }) => name).join(', ')}: no pool serves the queue ${JSON.stringify(first.queue)}`,
      'add the queue to a pool, or a route for the task',
    );
  } catch (error) {
    return fail((error as Error).message, 'mend the module; "task list" loads them again');
  } finally {
    late.abort();
  }
}

export function checkTypeScript(modules: readonly string[]): Found {
  const first = modules.find((path) => /\.[cm]?ts$/.test(path));
  if (first === undefined) return skip('every task module is JavaScript');
  if (findTsx(first) !== null || findTsx(import.meta.url) !== null) return ok('tsx is installed');
  return stripsTypes()
    ? ok('this Node strips types by itself')
    : fail(`${first} is TypeScript, which this Node does not run`, 'install tsx, or compile it');
}

/** What is not there yet is made by `start`: then its nearest parent must let it. */
export function checkFolder(path: string): Found {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  if (!statSync(at).isDirectory()) return fail(`${at} is not a folder`, 'remove it, or name another folder');
  try {
    accessSync(at, constants.W_OK | constants.X_OK);
  } catch {
    return fail(`${at} is not writable for you`, 'run as the user of the daemon, or change its owner');
  }
  return ok(at === path ? path : `${path} (will be made)`);
}

/** What a daemon may have open beside the jobs' own: store, sockets, logs, modules. */
const OWN_FILES = 128;
const FILES_PER_WORKER = 16;
const FILES_PER_JOB = 2;

/** `limits` as /proc/self/limits tells them. Node has raised the soft limit to the hard one. */
export function checkOpenFiles(limits: string, { pools }: Pick<Config, 'pools'>): Found {
  const text = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (text === undefined) return skip('the limit is not known here');
  const limit = text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
  const needed = Object.values(pools).reduce(
    (sum, pool) =>
      sum +
      (pool.kind === 'process'
        ? workerCount(pool.workers) * FILES_PER_WORKER
        : pool.concurrency * FILES_PER_JOB),
    OWN_FILES,
  );
  return limit >= needed
    ? ok(`at most ${text}`)
    : warn(
        `at most ${text}, these pools may need ${needed}`,
        'raise it: ulimit -n, or LimitNOFILE= of the systemd unit',
      );
}

export const readLimits = (): string => {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
};

export interface DaemonCheck {
  readonly found: Found;
  /** Null: none runs, or it does not answer. */
  readonly status: StatusReport | null;
}

export async function checkDaemon(socket: string, context: CommandContext): Promise<DaemonCheck> {
  const { clock, timeoutMs, version, cwd } = context;
  try {
    const status = await callDaemon(socket, 'status', {}, { timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS, clock });
    const who = `${status.name} runs as process ${status.pid}, ${status.state}, with ${shortPath(status.config.path, cwd)}`;
    if (status.version === version) return { found: ok(who), status };
    const text = `${who}; it is forkloop ${status.version}, this is ${version}`;
    return { found: warn(text, 'restart it to run the installed version'), status };
  } catch (error) {
    if (codeOf(error) === 'ERR_NOT_RUNNING')
      return { found: ok('none runs here; "start" starts one'), status: null };
    return { found: fail((error as Error).message, 'look at its log; "stop --now" ends it'), status: null };
  }
}

export async function checkBroker(
  loaded: LoadedConfig,
  status: StatusReport | null,
  context: CommandContext,
): Promise<Found> {
  const { broker } = loaded.config;
  if (broker.type === 'embedded' && status === null) return checkFolder(dirname(broker.path));
  try {
    const { probeBroker } = await import('../supervisor/probe-broker.ts');
    const [warning] = await probeBroker(loaded, context.clock);
    if (warning !== undefined) return warn(warning, 'docs/deployment.md has the settings of a server');
    return ok(
      broker.type === 'redis' ? 'redis answers and is fit' : 'the embedded store answers through the daemon',
    );
  } catch (error) {
    const isUnfit = codeOf(error) === 'ERR_BROKER_UNFIT';
    return fail(
      (error as Error).message,
      isUnfit ? 'change the setting of the server' : 'start it, or correct broker in the configuration',
    );
  }
}

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How long a process may take to end by itself. */
const STOP_MS = 15_000;

export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** What it has printed so far. */
  output(): string;
}

/** The folder and the processes of the benchmark. After `close`, and after a death by signal or error, there are none. */
export class Workspace {
  readonly directory = mkdtempSync(join(tmpdir(), 'forkloop-bench-'));
  readonly #children = new Set<ChildProcess>();
  readonly #lastResort = () => this.#abandon();
  #names = 0;

  constructor() {
    process.on('exit', this.#lastResort);
  }

  /** A folder that nobody else has. */
  folder(name: string): string {
    const path = join(this.directory, `${name}-${++this.#names}`);
    mkdirSync(path);
    return path;
  }

  /** With `ipc` messages can be exchanged. Not inherited: what would change how a measured program behaves. */
  start(
    program: string,
    args: readonly string[],
    { ipc = false, env = {} }: { ipc?: boolean; env?: Readonly<Record<string, string>> } = {},
  ): Child {
    const log = join(this.directory, `log-${++this.#names}`);
    const file = openSync(log, 'w');
    const stdio: StdioOptions = ipc ? ['ignore', file, file, 'ipc'] : ['ignore', file, file];
    const child = spawn(program, args, { stdio, env: { ...ownEnvironment(), ...env }, cwd: this.directory });
    closeSync(file);
    child.on('error', () => {}); // its exit code is looked at
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return { process: child, pid: child.pid ?? -1, output: () => readFileSync(log, 'utf8') };
  }

  /** Asks it to end, forces it after a while. */
  async stop({ process: child }: Child, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(timer);
  }

  close(): void {
    this.#abandon();
    process.off('exit', this.#lastResort);
  }

  #abandon(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function ownEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(FORKLOOP_|NODE_OPTIONS$|npm_)/.test(name));
  return Object.fromEntries(own);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How long a process may take to end by itself. */
const STOP_MS = 10_000;

/** A process of the demo; what it says goes to a file. */
export interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  /** What it has written so far. */
  output(): string;
}

/** Everything the demo leaves behind while it runs: a temporary directory and processes. After `close` there is none. */
export class Workspace {
  readonly directory: string;
  readonly #children = new Set<Child>();
  /** Also when an error or `process.exit` skips `close`. */
  readonly #lastResort = () => this.#abandon();

  private constructor(directory: string) {
    this.directory = directory;
    process.on('exit', this.#lastResort);
  }

  static async create(): Promise<Workspace> {
    return new Workspace(await mkdtemp(join(tmpdir(), 'forkloop-demo-')));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Starts a Node.js program. */
  start(name: string, args: readonly string[]): Child {
    const file = this.path(`${name}.log`);
    const log = openSync(file, 'w');
    const child: Child = {
      name,
      process: spawn(process.execPath, args, { stdio: ['ignore', log, log], cwd: this.directory }),
      output: () => readFileSync(file, 'utf8'),
    };
    closeSync(log);
    this.#children.add(child);
    child.process.on('error', () => {}); // its exit code is looked at
    return child;
  }

  /** Asks it to end, forces it after a while. */
  async stop(child: Child): Promise<void> {
    if (isRunning(child)) {
      const exited = once(child.process, 'exit');
      child.process.kill('SIGTERM');
      const timer = setTimeout(() => child.process.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(timer);
    }
    this.#children.delete(child);
  }

  /** The latest started first: the daemon before what its jobs ask. */
  async close(): Promise<void> {
    for (const child of [...this.#children].reverse()) await this.stop(child);
    rmSync(this.directory, { recursive: true, force: true });
    process.off('exit', this.#lastResort);
  }

  #abandon(): void {
    for (const child of this.#children) child.process.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export const isRunning = ({ process: { pid, exitCode, signalCode } }: Child): boolean =>
  pid !== undefined && exitCode === null && signalCode === null;

/** The real daemon for a test: `bin/supervisor`, compiled, in a folder of its own. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { callDaemon } from '../../src/control/client.ts';
import type { StatusReport } from '../../src/control/messages/daemon.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { descendants, isAlive, type ProcessId, processesWithEnvironment } from './processes.ts';
import { until } from './until.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const PROGRAM = join(ROOT, 'bin/supervisor');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

export interface Daemon {
  /** Of the daemon that runs, or ran last. */
  readonly pid: number;
  /** Its folder: configuration, store and sockets. Removed at the end. */
  readonly folder: string;
  readonly configPath: string;
  /** The control socket. */
  readonly socket: string;
  /** Resolves with code and signal when the daemon that runs now has ended. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** What it has printed so far, stdout and stderr. */
  readonly log: () => string;
  /** Runs one command for this daemon. */
  cli(...words: string[]): Promise<Ran>;
  run(words: readonly string[], options?: RunOptions): Promise<Ran>;
  status(): Promise<StatusReport>;
  kill(signal: NodeJS.Signals): void;
  /** Another one in the same folder, after the last has ended. Resolves when it is running. */
  start(): Promise<void>;
  /** Drains it and waits. Harmless when it has ended. */
  stop(): Promise<void>;
}

const READY_MS = 20_000;
const END_MS = 20_000;
/** Children notice the death of their master within a second. */
const ORPHAN_MS = 3_000;

/**
 * Runs `body` with a running daemon, then stops it and removes its folder, whatever happens. Fails when a process of it is
 * left. Relative paths of the configuration start at its folder; store and sockets are put there when it says nothing.
 */
export async function withSupervisor<T>(
  config: string | Record<string, unknown>,
  body: (daemon: Daemon) => Promise<T>,
  env: Readonly<Record<string, string | undefined>> = {},
  files: Readonly<Record<string, string>> = {},
): Promise<T> {
  assert.ok(
    existsSync(join(ROOT, 'dist/bundle/main.js')),
    'the command line is not built: run "npm run build" first',
  );
  const folder = await mkdtemp(join(tmpdir(), 'fl-'));
  const daemon = new TestDaemon(folder, env);
  try {
    await writeFile(daemon.configPath, placed(config));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    await daemon.start();
    return await body(daemon);
  } catch (error) {
    throw Object.assign(error as Error, { daemonLog: daemon.log() });
  } finally {
    await daemon.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The configuration with store and control directory inside its own folder. */
function placed(config: string | Record<string, unknown>): string {
  const given = (typeof config === 'string' ? parse(config) : config) as Record<string, unknown>;
  return stringify({
    ...given,
    version: 1,
    broker: given['broker'] ?? { type: 'embedded', path: 'jobs.db' },
    control: given['control'] ?? { directory: '.' },
  });
}

class TestDaemon implements Daemon {
  readonly folder: string;
  readonly configPath: string;
  readonly socket: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #marker = randomUUID();
  readonly #seen = new Map<number, ProcessId>();
  #child: ChildProcess | null = null;
  #log = '';
  exited: Daemon['exited'] = Promise.resolve({ code: null, signal: null });

  constructor(folder: string, env: Readonly<Record<string, string | undefined>>) {
    this.folder = folder;
    this.configPath = join(folder, 'supervisor.yaml');
    this.socket = join(folder, 'control.sock');
    this.#env = cleanEnvironment({ FORKLOOP_TEST_RUN: this.#marker, ...env });
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  log = (): string => this.#log;

  async start(): Promise<void> {
    const child = spawn(process.execPath, [PROGRAM, 'start', '-c', this.configPath], {
      cwd: this.folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let running = true;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log = (this.#log + text).slice(-200_000);
      });
    }
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        running = false;
        resolve({ code, signal });
      });
    });
    await until(async () => {
      if (!running) throw new Error(`the daemon ended before it was ready:\n${this.#log}`);
      return (await this.status().catch(() => null))?.state === 'running';
    }, READY_MS).catch((error: unknown) => {
      throw new Error(`the daemon did not get ready:\n${this.#log}`, { cause: error });
    });
    this.#remember();
  }

  status(): Promise<StatusReport> {
    return callDaemon(this.socket, 'status', {}, { timeoutMs: 2_000, clock: systemClock });
  }

  cli(...words: string[]): Promise<Ran> {
    return this.run(words);
  }

  run(words: readonly string[], { env = {}, ...options }: RunOptions = {}): Promise<Ran> {
    return runSupervisor(words, {
      cwd: this.folder,
      ...options,
      env: { FORKLOOP_CONFIG: this.configPath, FORKLOOP_TEST_RUN: this.#marker, ...env },
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#remember();
    this.#child?.kill(signal);
  }

  async stop(): Promise<void> {
    if (this.#child === null || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.kill('SIGTERM');
    await Promise.race([this.exited, systemClock.sleep(END_MS).then(() => this.kill('SIGKILL'))]);
    await this.exited;
  }

  /** Stops it as fast as it can and looks for what is left. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      this.kill('SIGQUIT');
      const late = new AbortController();
      void systemClock.sleep(END_MS, late.signal).then(() => {
        if (!late.signal.aborted) this.kill('SIGKILL');
      });
      await this.exited;
      late.abort();
    }
    const left = () => [
      ...[...this.#seen.values()].filter(isAlive),
      ...processesWithEnvironment(`FORKLOOP_TEST_RUN=${this.#marker}`),
    ];
    await until(() => left().length === 0, ORPHAN_MS).catch(() => {});
    const orphans = left();
    for (const orphan of orphans) process.kill(orphan.pid, 'SIGKILL');
    assert.deepEqual(orphans, [], 'processes of the daemon are left');
  }

  /** Workers do not inherit the marker: what was a descendant once is looked for at the end. */
  #remember(): void {
    for (const found of descendants(this.pid)) this.#seen.set(found.pid, found);
  }
}

/** Runs `bin/supervisor` to its end. */
export function runSupervisor(
  words: readonly string[],
  { input, env = {}, cwd = ROOT }: RunOptions = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...words], { cwd, env: cleanEnvironment(env) });
    const printed = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    child.stdout.on('data', (chunk: Buffer) => printed.stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => printed.stderr.push(chunk));
    child.stdin.on('error', () => {}); // it may end before it has read everything
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({
        code,
        stdout: Buffer.concat(printed.stdout).toString('utf8'),
        stderr: Buffer.concat(printed.stderr).toString('utf8'),
      });
    });
    child.stdin.end(input ?? '');
  });
}

/** Ours without what would change how the program behaves. */
export function cleanEnvironment(more: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) =>
      !/^(FORKLOOP_|NODE_OPTIONS$|NO_COLOR$|FORCE_COLOR$|STATE_DIRECTORY$|RUNTIME_DIRECTORY$|NOTIFY_SOCKET$|WATCHDOG_|LISTEN_)/.test(
        name,
      ),
  );
  return { ...Object.fromEntries(own), ...more };
}

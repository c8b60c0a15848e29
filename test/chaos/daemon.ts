/** One real daemon of a run: `bin/supervisor` in a folder of its own, with its own way to the broker. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { callDaemon } from '../../src/control/client.ts';
import type { StatusReport } from '../../src/control/messages/daemon.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { descendants, isAlive, type ProcessId } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { cleanEnvironment, PROGRAM, ROOT } from '../support/with-supervisor.ts';
import { type Event, monotonicMs } from './history.ts';
import { COLD_GRACE_MS, DRAIN_MS, NAMESPACE } from './settings.ts';
import { SPARE_FDS } from './world-check.ts';

export interface DaemonOptions {
  readonly name: string;
  readonly folder: string;
  /** Of the history. */
  readonly historyFolder: string;
  /** Of the configuration. */
  readonly broker: Readonly<Record<string, unknown>>;
  /** Names of schedules that fire each second. The id of a tick's job is made of its schedule's name. */
  readonly schedules: readonly string[];
  readonly record: (event: Event) => void;
  readonly runtime?: Runtime | undefined;
}

/** What a master and its threads have beside what those of any daemon have. */
export interface Runtime {
  readonly nodeArguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A bound for what never gets ready, not a wait: a machine that is busy with other work takes its time. */
const READY_MS = 90_000;
/** Orphans end themselves within half a second; the invariant gives them one. */
const ORPHAN_MS = 1_000;
/** A reload that was begun last takes ten seconds at most. */
const REST_MS = 12_000;

export class RealDaemon {
  readonly #options: DaemonOptions;
  readonly #folder: string;
  #child: ChildProcess | null = null;
  #exited: Promise<number | null> = Promise.resolve(0);
  #descendants: ProcessId[] = [];
  /** At its last rest. */
  #held: { readonly fds: number; readonly processes: number } | null = null;
  #log = '';
  /** Somebody has ended it, or will: nobody else starts it again. */
  held = false;

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.#folder = join(options.folder, options.name);
    mkdirSync(this.#folder);
    writeFileSync(join(this.#folder, 'supervisor.yaml'), stringify(this.#config()));
  }

  get name(): string {
    return this.#options.name;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The last of what it has written. */
  keepLog(folder: string): void {
    writeFileSync(join(folder, `${this.name}.log`), this.#log);
  }

  async start(): Promise<void> {
    const words = ['start', '-c', join(this.#folder, 'supervisor.yaml')];
    const { nodeArguments = [], env = {} } = this.#options.runtime ?? {};
    const child = spawn(process.execPath, [...nodeArguments, PROGRAM, ...words], {
      cwd: this.#folder,
      env: cleanEnvironment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const killNow = () => child.kill('SIGKILL');
    // Before the folder goes, that it writes into.
    process.prependOnceListener('exit', killNow);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log = (this.#log + text).slice(-400_000);
      });
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code) => {
        process.off('exit', killNow);
        this.#options.record({ kind: 'daemon', name: this.name, pid: child.pid ?? -1, what: 'gone' });
        resolve(code);
      });
    });
    this.#options.record({ kind: 'daemon', name: this.name, pid: this.pid, what: 'running' });
  }

  /** Resolves when it runs; at once when it has ended meanwhile. */
  async ready(): Promise<void> {
    await until(async () => !this.running || (await this.status())?.state === 'running', READY_MS).catch(
      (error: unknown) => {
        throw new Error(`${this.name} did not get ready:\n${this.#log}`, { cause: error });
      },
    );
  }

  status(): Promise<StatusReport | null> {
    const socket = join(this.#folder, 'control.sock');
    return callDaemon(socket, 'status', {}, { timeoutMs: 1_000, clock: systemClock }).catch(() => null);
  }

  /** Tells the history how far its schedules have come. */
  async ticks(): Promise<void> {
    const at = Date.now();
    const socket = join(this.#folder, 'control.sock');
    const { schedules } = await callDaemon(
      socket,
      'schedules',
      { next: 0 },
      { timeoutMs: 5_000, clock: systemClock },
    );
    const reached = schedules.map(({ name, reached_at }) => [name, Date.parse(reached_at ?? '')] as const);
    this.#options.record({ kind: 'ticks', name: this.name, at, reached: Object.fromEntries(reached) });
  }

  /** Its workers that are processes. */
  async workers(): Promise<number[]> {
    const status = await this.status();
    return (status?.pools ?? [])
      .flatMap(({ workers }) => workers.map(({ pid }) => pid))
      .filter((pid): pid is number => pid !== null && pid !== this.pid);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child?.kill(signal);
  }

  /** As `kill -9`. */
  async kill(): Promise<void> {
    this.#remember();
    this.signal('SIGKILL');
    await this.#exited;
    await this.#lookForOrphans();
  }

  /** As an operator stops it. */
  async stop(): Promise<void> {
    if (!this.running) return;
    const withinMs = DRAIN_MS + COLD_GRACE_MS + 2_000;
    const from = monotonicMs();
    this.#remember();
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), 2 * withinMs);
    const code = await this.#exited;
    clearTimeout(timer);
    this.#options.record({ kind: 'stopped', name: this.name, code, ms: monotonicMs() - from, withinMs });
    await this.#lookForOrphans();
  }

  /** @throws when it has ended. */
  assertRunning(): void {
    if (!this.running) throw new Error(`${this.name} has ended at its start:\n${this.#log}`);
  }

  /** What it holds while nothing is done. Afterwards it is given the time to end what it is at, as a reload. */
  async rest(when: 'before' | 'after'): Promise<void> {
    const before = this.#held;
    const isBack = () => {
      const { fds, processes } = this.#holds();
      return before !== null && fds <= before.fds + SPARE_FDS && processes <= before.processes;
    };
    if (when === 'after') await until(() => !this.running || isBack(), REST_MS).catch(() => {});
    if (!this.running) return;
    this.#held = this.#holds();
    this.#options.record({ kind: 'idle', name: this.name, when, ...this.#held });
  }

  #holds(): { readonly fds: number; readonly processes: number } {
    return { fds: readdirSync(`/proc/${this.pid}/fd`).length, processes: descendants(this.pid).length };
  }

  #remember(): void {
    this.#descendants = descendants(this.pid);
  }

  async #lookForOrphans(): Promise<void> {
    const left = () => this.#descendants.filter(isAlive);
    await until(() => left().length === 0, ORPHAN_MS).catch(() => {});
    const orphans = left();
    this.#options.record({ kind: 'orphans', name: this.name, count: orphans.length });
    for (const { pid } of orphans) process.kill(pid, 'SIGKILL');
  }

  #config(): Record<string, unknown> {
    const { broker, historyFolder, schedules } = this.#options;
    const env = { CHAOS_HISTORY: historyFolder };
    const schedule = { task: 'quick', queue: 'io', every: '1s', missed: 'all', overlap: 'allow' };
    return {
      version: 1,
      name: `chaos-${this.name}`,
      namespace: NAMESPACE,
      tasks: [join(ROOT, 'test/chaos/tasks/tasks.mjs')],
      broker,
      control: { directory: '.' },
      defaults: { timeout: '20s', retry: { attempts: 5, initial: '100ms', max: '500ms' } },
      pools: {
        cpu: { kind: 'process', workers: 2, queues: ['cpu'], restart: { initial: '50ms' }, env },
        io: { kind: 'async', concurrency: 10, queues: ['io'], restart: { initial: '50ms' }, env },
      },
      schedules: Object.fromEntries(schedules.map((name) => [name, schedule])),
      shutdown: { drain_timeout: `${DRAIN_MS}ms`, cold_grace: `${COLD_GRACE_MS}ms` },
      log: { level: 'info', format: 'json' },
    };
  }
}

/**
 * The early handover. A daemon notes under its instance lock who it is: boot id, run id, and the ids under which it holds
 * leases. Its successor, which holds the lock now, can prove that nothing of it is left and take its jobs back at once
 * instead of waiting for the leases to lapse.
 */

import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { RUN_VARIABLE } from '../pool/host/protocol.ts';

export interface DaemonNote {
  readonly bootId: string;
  /** Of the lock that its daemon held (InstanceLock). */
  readonly lock: string;
  readonly run: string;
  readonly pid: number;
  /** Queue to the daemon id of its lease. */
  readonly sessions: Readonly<Record<string, string>>;
}

/** Orphaned workers end themselves within half a second; what is left after this is killed. */
const ORPHAN_PATIENCE_MS = 1_500;
const KILL_PATIENCE_MS = 1_000;
const LOOK_MS = 25;

/** Replaces the note in one step: a reader sees the old one or the new one. */
export function writeNote(directory: string, note: DaemonNote): void {
  const path = notePath(directory);
  writeFileSync(`${path}.new`, JSON.stringify(note), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/**
 * The note of the daemon that held this lock before us, or null: there is none, or it proves nothing. That of another boot,
 * or of another lock, as in a copied directory: its daemon may live.
 */
export function readNote(directory: string, lock: string): DaemonNote | null {
  try {
    const note = JSON.parse(readFileSync(notePath(directory), 'utf8')) as DaemonNote;
    const boot = bootId();
    const ours = boot !== '' && note.bootId === boot && note.lock === lock;
    return ours && typeof note.run === 'string' && isRecord(note.sessions) ? note : null;
  } catch {
    return null;
  }
}

/** Identifies the boot of this machine; an empty text where it cannot be told, which proves nothing. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * Waits until no worker of the run is left, and ends those that do not end themselves: what they run would otherwise run
 * twice at once. True when they are gone for certain.
 */
export async function awaitGone(note: DaemonNote, clock: Clock, log: Logger): Promise<boolean> {
  if (await goneWithin(note.run, ORPHAN_PATIENCE_MS, clock)) return true;
  const left = processesOf(note.run);
  log.warn('workers of the previous daemon are still alive, ending them', { pids: left });
  for (const pid of left) killQuietly(pid);
  return goneWithin(note.run, KILL_PATIENCE_MS, clock);
}

/** Takes back what the predecessor held. Errors are left to the sweeper: the leases lapse anyway. */
export async function takeOver(
  note: DaemonNote,
  broker: Broker,
  leaseMs: number,
  log: Logger,
): Promise<void> {
  for (const [queue, daemon] of Object.entries(note.sessions)) {
    try {
      const { leases } = await broker.sweep(queue, { leaseMs });
      const lease = leases.find((view) => view.daemon === daemon);
      if (lease === undefined) continue;
      let moved = 0;
      for (let more = true; more; ) {
        const reply = await broker.reclaim(queue, { daemon, deadlineAt: lease.deadlineAt, proven: true });
        if (reply.status === 'alive') break;
        moved += reply.moved;
        more = reply.more;
      }
      log.info('took over the jobs of the previous daemon', { queue, jobs: moved });
    } catch (error) {
      log.warn('could not take over the jobs of the previous daemon, they come back when its lease lapses', {
        queue,
        error: String(error),
      });
    }
  }
}

async function goneWithin(run: string, ms: number, clock: Clock): Promise<boolean> {
  const deadline = clock.monotonic() + ms;
  while (processesOf(run).length > 0) {
    if (clock.monotonic() >= deadline) return false;
    await clock.sleep(LOOK_MS);
  }
  return true;
}

function processesOf(run: string): number[] {
  const marker = `${RUN_VARIABLE}=${run}`;
  return readdirSync('/proc')
    .filter(
      (name) => /^\d+$/.test(name) && Number(name) !== process.pid && environment(name).includes(marker),
    )
    .map(Number);
}

/** Empty for a process that is gone, a zombie, or not ours to read. */
function environment(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null;

const notePath = (directory: string): string => join(directory, 'daemon.json');

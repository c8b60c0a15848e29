import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { callDaemon, daemonListens } from '../control/client.ts';
import type { Clock } from '../lib/clock.ts';
import { formatDuration } from '../lib/units.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext } from './context.ts';
import { EXIT } from './exit.ts';

export function addStop(program: Command, bind: Bind): void {
  program
    .command('stop')
    .description('stop the daemon and wait until it is gone')
    .option('--now', 'cut running jobs short; they run again later')
    .addHelpText(
      'after',
      `
Running jobs may finish, as long as shutdown.drain_timeout says. Jobs that are
cut short go back to their queue and lose no attempt. Prints how long it took.

Examples:
  supervisor stop                let running jobs finish
  supervisor stop --now          do not wait for them
  supervisor stop --timeout 10s  exit 6 if it still runs after 10 s
`,
    )
    .action(bind(stop));
}

const POLL_MS = 50;
/** Beyond what the daemon's configuration allows it, before we call it late. */
const SLACK_MS = 5_000;
/** Between the end of its socket and the end of the process. */
const LAST_STEPS_MS = 2_000;

async function stop(context: CommandContext, flags: { now?: boolean }): Promise<number> {
  const stopped = await stopDaemon(context, await context.controlSocket(), flags.now === true);
  if (typeof stopped === 'number') return stopped;
  const { pid, seconds } = stopped;
  const report = { schema: 'forkloop.stopped/1', pid, seconds };
  await context.output.report(report, () => stoppedText(stopped));
  return EXIT.done;
}

export interface Stopped {
  readonly pid: number;
  readonly seconds: number;
}

export const stoppedText = ({ pid, seconds }: Stopped): string =>
  `stopped process ${pid} in ${formatDuration(seconds * 1_000)}`;

/** Resolves when it is gone; with an exit code when it is not in time, which is told then. */
export async function stopDaemon(
  { output, clock, timeoutMs }: CommandContext,
  socket: string,
  now: boolean,
): Promise<Stopped | number> {
  const began = clock.monotonic();
  const { pid, deadline_seconds } = await callDaemon(
    socket,
    'stop',
    { now },
    { timeoutMs: CALL_TIMEOUT_MS, clock },
  );
  const patience = timeoutMs ?? deadline_seconds * 1_000 + SLACK_MS;
  if (!(await goneWithin(patience, socket, pid, clock))) {
    output.error(
      `process ${pid} has not ended within ${formatDuration(patience)}; "stop --now" does not wait for its jobs`,
    );
    return EXIT.timeout;
  }
  return { pid, seconds: Math.round(clock.monotonic() - began) / 1_000 };
}

/** Gone: nobody listens any more and the process has ended, so that a new one can start at once. */
async function goneWithin(ms: number, socket: string, pid: number, clock: Clock): Promise<boolean> {
  const began = clock.monotonic();
  const left = () => began + ms - clock.monotonic();
  while (await daemonListens(socket, { timeoutMs: CALL_TIMEOUT_MS, clock })) {
    if (left() <= 0) return false;
    await clock.sleep(Math.min(POLL_MS, left()));
  }
  // Bounded: in a container of its own the daemon's pid may be somebody else's here.
  const unbound = clock.monotonic();
  while (isAlive(pid) && clock.monotonic() - unbound < LAST_STEPS_MS) await clock.sleep(10);
  return true;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Ended, but not yet buried by its parent: holds nothing any more. */
function isZombie(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

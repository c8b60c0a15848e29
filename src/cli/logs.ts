import { type FileHandle, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { callDaemon } from '../control/client.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { LogLevel } from '../lib/logger.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext, usageError } from './context.ts';
import { codeOf, EXIT } from './exit.ts';
import { followLines, readTail } from './log-follower.ts';
import { filters, LEVELS, type LogFilter } from './log-line.ts';
import { LogPrinter } from './log-printer.ts';
import { shortPath } from './status-view.ts';

export function addLogs(program: Command, bind: Bind): void {
  const logs = program
    .command('logs')
    .description("the daemon's log file: its last lines, and those to come");
  logs
    .option('-f, --follow', 'go on with the lines to come, until Ctrl-C')
    .option('-n, --lines <count>', 'how many of the last lines', '50')
    .addOption(new Option('--level <level>', 'this level and above').choices([...LEVELS]))
    .option('--job <id>', 'only of this job')
    .option('--task <name>', 'only of jobs of this task')
    .option('--pool <name>', 'only of this pool')
    .addHelpText(
      'after',
      `
On a terminal, and with -o wide, records are shown as text; else they are
printed as they stand in the file: a JSON object a line. A daemon without a log
file says where its log is.

Examples:
  supervisor logs
  supervisor logs -f --level warn
  supervisor logs -n 1000 --job 0198c0de-7a1b-7cc0-8000-0242ac120002
  supervisor logs -f | jq -r 'select(.pool == "cpu") | .msg'
`,
    )
    .action(bind(show));
  logs
    .command('reopen')
    .description('let the daemon open its log file anew, after it was moved away')
    .addHelpText(
      'after',
      `
SIGUSR1 does the same without an answer. Nothing is lost in between.

Examples:
  mv forkloop.log forkloop.log.1 && supervisor logs reopen
`,
    )
    .action(bind(reopen));
}

/** What the daemon picks when it is started detached and nobody has named a file. */
export const DETACHED_LOG = 'forkloop.log';

interface LogsFlags {
  readonly follow?: boolean;
  readonly lines: string;
  readonly level?: LogLevel;
  readonly job?: string;
  readonly task?: string;
  readonly pool?: string;
}

const MOST_LINES = 1_000_000;

async function show(context: CommandContext, flags: LogsFlags): Promise<number> {
  const { output, clock, cwd } = context;
  const { level, job, task, pool } = flags;
  const filter: LogFilter = { level, job, task, pool };
  const count = countOf(flags.lines);
  const path = await logFileOf(context);
  const printer = new LogPrinter(output, filter);
  const file = await openLog(path);
  if (file === null && flags.follow !== true)
    throw new ForkloopError('ERR_LOG_FILE', `there is no ${path} yet: "logs -f" waits for it`);
  if (file === null) output.message(`waiting for ${shortPath(path, cwd)}`);
  const tail = file === null ? { lines: [], end: 0 } : await readTail(file, count, printer.wants);
  for (const line of tail.lines) await printer.print(line);
  if (flags.follow === true) {
    for await (const line of followLines({ path, file, position: tail.end, clock }))
      if (printer.wants(line)) await printer.print(line);
  }
  await file?.close();
  if (printer.unreadable && filters(filter))
    output.warning('lines that are no JSON tell nothing to choose them by: they are left out');
  return EXIT.done;
}

function countOf(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count <= MOST_LINES) return count;
  throw usageError(`--lines: ${JSON.stringify(text)} is no number from 0 to ${MOST_LINES}`);
}

/** That of the daemon that runs, else what the configuration says, else that of a daemon that ran detached. */
async function logFileOf(context: CommandContext): Promise<string> {
  const { clock, timeoutMs } = context;
  const socket = await context.controlSocket();
  try {
    const wait = { timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS, clock };
    const { log, pid } = await callDaemon(socket, 'status', {}, wait);
    if (log.file !== null) return log.file;
    throw new ForkloopError('ERR_LOG_FILE', elsewhere(pid));
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ERR_NOT_RUNNING' && code !== 'ERR_NO_ANSWER') throw error;
  }
  const named = context.env['FORKLOOP_LOG_FILE'] ?? '';
  if (named !== '') return resolve(context.cwd, named);
  const { config } = await context.loadConfig('ignored');
  return config.log.file ?? join(config.control.directory, DETACHED_LOG);
}

const elsewhere = (pid: number): string =>
  `the daemon (pid ${pid}) writes its log to stderr: under systemd "journalctl -u forkloop -f" shows it, else it is where the daemon was started. To have it in a file set log.file in the configuration, or start with --log-file, and restart`;

async function openLog(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new ForkloopError(
      'ERR_LOG_FILE',
      `${path} cannot be read: ${message}; run as the user of the daemon`,
    );
  }
}

async function reopen(context: CommandContext): Promise<number> {
  const { output, clock, timeoutMs, cwd } = context;
  const socket = await context.controlSocket();
  const timeout = { timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS, clock };
  const report = await callDaemon(socket, 'logs_reopen', {}, timeout);
  await output.report(report, () => `the log goes on in ${shortPath(report.file, cwd)}`);
  return EXIT.done;
}

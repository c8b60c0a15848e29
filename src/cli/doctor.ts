import type { Command } from 'commander';
import type { ConfigError, LoadedConfig } from '../config/load.ts';
import type { Bind, CommandContext } from './context.ts';
import {
  type Check,
  checkBroker,
  checkDaemon,
  checkFlock,
  checkFolder,
  checkNode,
  checkOpenFiles,
  checkTasks,
  checkTypeScript,
  readLimits,
} from './doctor-checks.ts';
import { codeOf, EXIT } from './exit.ts';
import type { Output } from './output.ts';
import { shortPath } from './status-view.ts';
import { cleanText, wrapText } from './table.ts';

export function addDoctor(program: Command, bind: Bind): void {
  program
    .command('doctor')
    .description('whether all is there that a daemon needs; what to do')
    .addHelpText(
      'after',
      `
Looks at Node, the configuration, task modules (they are loaded), folders, the
broker, the daemon, limits. Changes nothing. Prints a line for each check: ok,
warn, fail or skip, and after -> what to do. Exit 1 when a check fails.

Examples:
  supervisor doctor
  supervisor doctor -c /etc/forkloop/supervisor.yaml
  supervisor doctor -o ndjson | jq 'select(.status != "ok")'
`,
    )
    .action(bind(doctor));
}

interface DoctorReport {
  readonly schema: 'forkloop.doctor/1';
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

async function doctor(context: CommandContext): Promise<number> {
  const { output } = context;
  const checks = await examine(context);
  const failed = checks.some(({ status }) => status === 'fail');
  const report: DoctorReport = { schema: 'forkloop.doctor/1', ok: !failed, checks };
  await output.report(report, () => checks.map((check) => lines(check, output)).join('\n'), checks);
  return failed ? EXIT.failed : EXIT.done;
}

async function examine(context: CommandContext): Promise<Check[]> {
  const machine: Check[] = [
    { name: 'node', ...checkNode(process.version) },
    { name: 'flock', ...checkFlock() },
  ];
  const { check, loaded } = await configuration(context);
  if (loaded === null) return [...machine, check];
  const { config, modules } = loaded;
  const { found, status } = await checkDaemon(await context.controlSocket(), context);
  return [
    ...machine,
    check,
    { name: 'typescript', ...checkTypeScript(modules) },
    { name: 'tasks', ...(await checkTasks(loaded, context)) },
    { name: 'control directory', ...checkFolder(config.control.directory) },
    { name: 'daemon', ...found },
    { name: 'broker', ...(await checkBroker(loaded, status, context)) },
    { name: 'open files', ...checkOpenFiles(readLimits(), config) },
  ];
}

/** The other checks need it: null where it cannot be used. */
async function configuration(
  context: CommandContext,
): Promise<{ check: Check; loaded: LoadedConfig | null }> {
  const name = 'configuration';
  try {
    const loaded = await context.loadConfig();
    const path = shortPath(loaded.path, context.cwd);
    const [warning] = loaded.warnings;
    const check: Check =
      warning === undefined
        ? { name, status: 'ok', message: path, fix: null }
        : { name, status: 'warn', message: `${path}: ${warning.message}`, fix: 'see "check"' };
    return { check, loaded };
  } catch (error) {
    if (codeOf(error) !== 'ERR_CONFIG_INVALID') throw error;
    const { problems } = error as ConfigError;
    const [first] = problems.filter(({ severity }) => severity === 'error');
    const message =
      first === undefined
        ? (error as Error).message
        : `${first.file}${first.line === null ? '' : `:${first.line}`}: ${first.path}: ${first.message}`;
    const fix = 'mend it; "check" tells everything that is wrong with it. The other checks need it';
    return { check: { name, status: 'fail', message, fix }, loaded: null };
  }
}

const NAME_WIDTH = 'control directory'.length;
const INDENT = ' '.repeat(4 + 2 + NAME_WIDTH + 2);

function lines({ name, status, message, fix }: Check, { colors, width }: Output): string {
  const paint = { ok: colors.green, warn: colors.yellow, fail: colors.red, skip: colors.dim }[status];
  const room = Math.max(20, (Number.isFinite(width) ? width : 100) - INDENT.length);
  const [first = '', ...rest] = wrapText(cleanText(message), room);
  const advice = fix === null ? [] : wrapText(`-> ${cleanText(fix)}`, room);
  return [
    `${paint(status.padEnd(4))}  ${name.padEnd(NAME_WIDTH)}  ${first}`,
    ...[...rest, ...advice].map((line) => `${INDENT}${line}`),
  ].join('\n');
}

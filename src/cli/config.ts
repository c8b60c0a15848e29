import type { Command } from 'commander';
import type { Origin, Setting } from '../config/explain.ts';
import type { Bind, CommandContext } from './context.ts';
import { EXIT } from './exit.ts';
import { safeJson } from './output.ts';
import { shortPath } from './status-view.ts';
import { cleanLines } from './table.ts';

export function addConfig(program: Command, bind: Bind): void {
  const config = program
    .command('config')
    .description('the configuration in force, and what it may say')
    .addHelpText(
      'after',
      `
Examples:
  supervisor config show --origin
  supervisor config schema > config/supervisor.schema.json
`,
    );
  config
    .command('show')
    .description('every setting, with defaults and variables put in')
    .option('--origin', 'with the line, variable or default that it comes from')
    .addHelpText(
      'after',
      `
Prints YAML that would do the same as the file; passwords are hidden as ***.

Examples:
  supervisor config show
  supervisor config show --origin
  supervisor config show -o json | jq .config.pools.cpu
`,
    )
    .action(bind(show));
  config
    .command('schema')
    .description('the JSON Schema (draft-07) of the file, for editors')
    .addHelpText(
      'after',
      `
An editor with a YAML language server uses it when the file begins with
  # yaml-language-server: $schema=./supervisor.schema.json

Examples:
  supervisor config schema > config/supervisor.schema.json
`,
    )
    .action(bind(schema));
}

interface ConfigReport {
  readonly schema: 'forkloop.config/1';
  readonly path: string;
  readonly config: unknown;
  readonly settings?: readonly SettingReport[];
}

interface SettingReport {
  readonly key: string;
  readonly value: unknown;
  readonly origin?: Origin;
}

async function show(context: CommandContext, flags: { origin?: boolean }): Promise<number> {
  const { output, env, cwd } = context;
  const loaded = await context.loadConfig();
  const { explainConfig } = await import('../config/explain.ts');
  const { formatPath } = await import('../config/problem.ts');
  const settings = explainConfig(loaded, env);
  const reports = settings.map(
    ({ path, value, origin }): SettingReport => ({
      key: formatPath(path),
      value,
      ...(flags.origin === true ? { origin } : {}),
    }),
  );
  const report: ConfigReport = {
    schema: 'forkloop.config/1',
    path: loaded.path,
    config: wholeOf(settings),
    ...(flags.origin === true ? { settings: reports } : {}),
  };
  const text = await settingsText(settings, flags.origin === true ? cwd : null);
  await output.report(
    report,
    () => `# ${shortPath(loaded.path, cwd)}\n${cleanLines(text)}`.trimEnd(),
    reports,
  );
  return EXIT.done;
}

/** The settings as one mapping. */
function wholeOf(settings: readonly Setting[]): unknown {
  const whole: Record<string, unknown> = {};
  for (const { path, value } of settings) {
    let at: Record<PropertyKey, unknown> = whole;
    for (const [depth, part] of path.slice(0, -1).entries()) {
      at[part] ??= typeof path[depth + 1] === 'number' ? [] : {};
      at = at[part] as Record<PropertyKey, unknown>;
    }
    at[path.at(-1) ?? ''] = value;
  }
  return whole;
}

/** YAML in the form of the file; with origins as comments, paths as seen from `originsFrom`, unless that is null. */
async function settingsText(settings: readonly Setting[], originsFrom: string | null): Promise<string> {
  const { Document, isCollection, isNode } = await import('../config/yaml.ts');
  const document = new Document(wholeOf(settings));
  for (const { path, origin } of settings) {
    const node = document.getIn(path, true);
    if (!isNode(node)) continue;
    if (isCollection(node)) node.flow = true;
    if (originsFrom !== null) node.comment = ` ${originText(origin, originsFrom)}`;
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function originText(origin: Origin, cwd: string): string {
  if (origin.from === 'file') return `${shortPath(origin.file, cwd)}:${origin.line}`;
  return origin.from === 'env' ? `env ${origin.variable}` : 'default';
}

async function schema({ output }: CommandContext): Promise<number> {
  const { configJsonSchema } = await import('../config/json-schema.ts');
  const report = configJsonSchema();
  await output.report(report, () => safeJson(report, 2));
  return EXIT.done;
}

import { configJsonSchema } from '../../src/config/json-schema.ts';
import { configurationReference } from '../../src/config/reference.ts';
import { cliReference } from './cli-reference.ts';

/** The files that are made of the source: path from the root of the package, and what must stand in it. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['config/supervisor.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
    ['docs/configuration.md', configurationReference()],
    ['docs/cli.md', await cliReference()],
  ]);
}

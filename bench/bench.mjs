/**
 * What `npm run bench` runs: fetches the benchmark's own dependencies at the first use, compiles it (and the product where
 * that has not been built), and runs it. Everything measured is compiled JavaScript, the product as it is published.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = dirname(fileURLToPath(import.meta.url));
const root = dirname(bench);

if (!existsSync(join(bench, 'node_modules/bullmq'))) step('npm', ['ci', '--prefix', bench]);
if (!existsSync(join(root, 'dist/index.js'))) step('npm', ['run', 'build:src', '--prefix', root]);
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
step(process.execPath, [tsc, '-p', join(bench, 'tsconfig.json')]);
const { run } = await import('./dist/main.js');
process.exit(await run(process.argv.slice(2)));

function step(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  process.stderr.write(`bench: ${program} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}\n`);
  process.exit(1);
}

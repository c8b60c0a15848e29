/**
 * Compiles src to dist, and puts what the command line loads into few files (dist/bundle): Node.js reads modules one by one,
 * and 700 small ones of our own and of our dependencies were a quarter to two fifths of what a daemon's start took.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = dirname(fileURLToPath(import.meta.url));
const DIST = join(ROOT, 'dist');
const BUNDLE = join(DIST, 'bundle');
const require = createRequire(import.meta.url);
/** Of the client that the package `redis` was made with, wherever that is installed. */
const LIBRARY = join(dirname(createRequire(require.resolve('redis')).resolve('@redis/client')), 'lib');
const METADATA = join(LIBRARY, 'command-metadata/command-metadata-data.js');
const COMMANDS = join(LIBRARY, 'commands/index.js');

compile();
copyScripts();
await bundle();

function compile() {
  const manifest = require.resolve('typescript/package.json');
  const tsc = join(dirname(manifest), require(manifest).bin.tsc);
  try {
    execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.json')], { stdio: 'inherit' });
  } catch {
    process.exit(1);
  }
}

function copyScripts() {
  const filter = (path) => statSync(path).isDirectory() || /\.(lua|sql)$/.test(path);
  cpSync(join(ROOT, 'src'), DIST, { recursive: true, filter });
}

/** Modules stay in dist as well: for programs that import the package, for workers and threads. */
async function bundle() {
  rmSync(BUNDLE, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [join(DIST, 'cli/main.js')],
    outdir: BUNDLE,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // The one brings a binary of the machine that it runs on. The other is loaded long after a daemon's start, when the files
    // of a new version may have taken the place of these.
    external: ['libsql', 'pidusage'],
    // CommonJS packages look for Node's own modules with it.
    banner: {
      js: "import { createRequire as _requireFrom } from 'node:module'; const require = _requireFrom(import.meta.url);",
    },
    plugins: [{ name: 'forkloop', setup: ({ onLoad }) => onLoad({ filter: /\.js$/ }, load) }],
    metafile: true,
    logLevel: 'warning',
  });
  const inputs = new Set(Object.keys(metafile.inputs).map((input) => join(ROOT, input)));
  for (const path of [METADATA, COMMANDS])
    if (!inputs.has(path)) throw new Error(`build.mjs does not find ${path} in the driver any more`);
  writeFileSync(join(BUNDLE, 'licenses.txt'), licensesOf(Object.keys(metafile.inputs)));
}

/** Our own modules: what they find beside themselves they find from the bundle. */
function load({ path }) {
  if (path === join(DIST, 'broker/redis/driver.js')) return { contents: driver() };
  if (!path.startsWith(DIST + sep)) return lessOfDriver(path);
  const text = readFileSync(path, 'utf8');
  const place = JSON.stringify(relative(BUNDLE, path).replaceAll(sep, '/'));
  return { contents: text.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`) };
}

/** The client of the Redis driver is loaded alone, without clusters and sentinels, which we know of ourselves. */
function driver() {
  const from = (name) => JSON.stringify(join(LIBRARY, name));
  return `
    import client from ${from('client/index.js')};
    import { ErrorReply } from ${from('errors.js')};
    const driver = { RedisClient: client.default ?? client, ErrorReply };
    export const loadDriver = () => driver;
  `;
}

/**
 * We send plain words: of the driver's 400 commands the bundle has those that its client sends by itself, and none of what is
 * known of each for clusters and caches. They were two thirds of what the driver takes to load.
 */
function lessOfDriver(path) {
  if (path === METADATA) return { contents: 'exports.COMMAND_METADATA = {};' };
  if (path !== COMMANDS) return;
  const client = readFileSync(join(LIBRARY, 'client/index.js'), 'utf8');
  const names = new Set([...client.matchAll(/\bcommands_1\.default\.(\w+)/g)].map(([, name]) => name));
  if (names.size === 0)
    throw new Error("build.mjs does not find the commands of the driver's client any more");
  const commands = [...names].map((name) => `${name}: require('./${name}').default`);
  return { contents: `exports.__esModule = true; exports.default = { ${commands.join(', ')} };` };
}

/** The licenses of the packages that are in the bundle: they ask to be passed on with copies. */
function licensesOf(inputs) {
  const folders = inputs.map((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]);
  return [...new Set(folders.filter((folder) => folder !== undefined))]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
      return `${name} ${version} (${license})\n\n${licenseIn(join(ROOT, folder))}`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function licenseIn(folder) {
  for (const name of ['LICENSE', 'LICENSE.md', 'license', 'LICENCE', 'License']) {
    try {
      return `${readFileSync(join(folder, name), 'utf8').trim()}\n`;
    } catch {}
  }
  return 'The package has no file of its own for its license.\n';
}

/**
 * Compiles src to dist, and puts what is loaded at a start into few files (dist/bundle): Node.js reads modules one by one,
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
const fromWinston = createRequire(require.resolve('winston'));
/** Files of packages of which the bundles need less, or nothing, and what stands there instead. */
const LESS = new Map([
  // What is known of each of the driver's commands is for clusters and caches: two thirds of what it takes to load.
  [METADATA, 'exports.COMMAND_METADATA = {};'],
  [COMMANDS, commandsOfClient()],
  // The log writes to a stream of its own, and nobody looks for winston's own traces.
  [fromWinston.resolve('./winston/transports'), "exports.Stream = require('./stream');"],
  [fromWinston.resolve('@dabh/diagnostics'), 'module.exports = () => () => {};'],
  // A copy of Node's own streams, which it gives way to where it is told so.
  [fromWinston.resolve('readable-stream'), "module.exports = require('stream');"],
  [
    fromWinston.resolve('readable-stream/lib/_stream_writable.js'),
    "module.exports = require('stream').Writable;",
  ],
]);

compile();
copyScripts();
await bundleAll();

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

/**
 * What each program and thread loads. Modules stay in dist as well; what the package exports (dist/index.js) comes from the
 * bundle of the workers, so that a task's module and the worker around it share one copy.
 */
async function bundleAll() {
  rmSync(BUNDLE, { recursive: true, force: true });
  const programs = await Promise.all([
    bundle({ main: 'cli/main.js' }, BUNDLE),
    bundle({ main: 'worker/main.js', index: 'index.js' }, join(BUNDLE, 'worker')),
    bundle(
      { 'config-thread': 'supervisor/config-thread.js', 'store-thread': 'broker/embedded/store-thread.js' },
      join(BUNDLE, 'threads'),
    ),
  ]);
  writeFileSync(join(DIST, 'index.js'), "export * from './bundle/worker/index.js';\n");
  const outputs = Object.assign({}, ...programs.map(({ outputs }) => outputs));
  const inputs = [...new Set(Object.values(outputs).flatMap((output) => Object.keys(output.inputs)))];
  for (const path of LESS.keys())
    if (!inputs.includes(relative(ROOT, path)))
      throw new Error(`build.mjs leaves something out of ${path}, which nothing loads any more`);
  writeFileSync(join(BUNDLE, 'licenses.txt'), licensesOf(inputs));
  writeFileSync(join(BUNDLE, 'packages.json'), `${JSON.stringify(packagesOf(outputs), null, 2)}\n`);
}

async function bundle(entries, outdir) {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(DIST, path)])),
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Names stay, for traces and profiles, and lines short enough that their numbers tell something.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120,
    // The one brings a binary of the machine that it runs on. The other is loaded long after a daemon's start, when the files
    // of a new version may have taken the place of these.
    external: ['libsql', 'pidusage'],
    legalComments: 'none',
    // CommonJS packages look for Node's own modules with it.
    banner: {
      js: "import { createRequire as _requireFrom } from 'node:module'; const require = _requireFrom(import.meta.url);",
    },
    plugins: [
      {
        name: 'forkloop',
        setup: ({ onLoad }) => onLoad({ filter: /\.js$/ }, ({ path }) => load(path, outdir)),
      },
    ],
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}

/** Packages as they are but for what is left out. Our own modules find from the bundle what they find beside themselves. */
function load(path, outdir) {
  if (path === join(DIST, 'broker/redis/driver.js')) return { contents: driver() };
  if (LESS.has(path)) return { contents: LESS.get(path) };
  if (!path.startsWith(DIST + sep)) return;
  const text = readFileSync(path, 'utf8');
  const place = JSON.stringify(relative(outdir, path).replaceAll(sep, '/'));
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

/** We send plain words: of the driver's 400 commands those that its client sends by itself. */
function commandsOfClient() {
  const client = readFileSync(join(LIBRARY, 'client/index.js'), 'utf8');
  const names = new Set([...client.matchAll(/\bcommands_1\.default\.(\w+)/g)].map(([, name]) => name));
  if (names.size === 0)
    throw new Error("build.mjs does not find the commands of the driver's client any more");
  const commands = [...names].map((name) => `${name}: require('./${name}').default`);
  return `exports.__esModule = true; exports.default = { ${commands.join(', ')} };`;
}

/** Which packages each file of the bundles has code of. */
function packagesOf(outputs) {
  const entries = Object.entries(outputs).map(([path, { inputs }]) => [
    relative(BUNDLE, join(ROOT, path)).replaceAll(sep, '/'),
    foldersOf(Object.keys(inputs)).map((folder) => folder.replace(/^.*node_modules\//, '')),
  ]);
  return Object.fromEntries(entries);
}

/** The folders of the packages that the files are of, each once. */
function foldersOf(inputs) {
  const folders = inputs.map((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}

/** The licenses of the packages that are in the bundles: they ask to be passed on with copies. */
function licensesOf(inputs) {
  return foldersOf(inputs)
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

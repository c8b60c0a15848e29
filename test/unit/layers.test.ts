/**
 * Dependencies point one way. Reads the imports of src/**, and what each worker process or client would load.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** What a broker must do and what is said to it, whatever it is made of. */
const CONTRACT = ['broker/broker.ts', 'broker/broker-error.ts', 'broker/messages'];

/** What the files of a folder may import: folders, or single files of one. Their own folder always. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  task: ['lib'],
  broker: ['task', 'lib'],
  pool: ['task', 'lib'],
  worker: [
    'task',
    'pool/host/protocol.ts',
    'pool/host/wire.ts',
    'pool/host/host.ts',
    'pool/host/start-board.ts',
    'lib',
  ],
  config: ['scheduler/cron.ts', 'lib'],
  scheduler: [...CONTRACT, 'broker/job-record.ts', 'lib'],
  control: [...CONTRACT, 'broker/job-record.ts', 'pool/pool.ts', 'task', 'lib'],
  consumer: [...CONTRACT, 'broker/job-record.ts', 'pool/pool.ts', 'task', 'lib'],
  client: ['broker', 'task', 'config', 'lib'],
  supervisor: ['consumer', 'scheduler', 'control', 'client', 'broker', 'pool', 'task', 'config', 'lib'],
  cli: ['supervisor', 'control', 'client', ...CONTRACT, 'broker/job-record.ts', 'task', 'config', 'lib'],
  'index.ts': ['client', ...CONTRACT, 'task', 'config/load.ts', 'lib'],
};

/** Packages that are loaded where they are used and nowhere else. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  redis: ['broker/redis'],
  libsql: ['broker/embedded'],
  yaml: ['config', 'cli'],
  zod: ['config', 'control/commands.ts'],
  croner: ['scheduler/cron.ts'],
  'fastest-levenshtein': ['lib/suggest.ts'],
  winston: ['supervisor/log.ts'],
  commander: ['cli'],
  pidusage: ['supervisor', 'pool'],
};

/** Only these know more than one implementation. */
const OPENERS: Readonly<Record<string, RegExp>> = { 'broker/open.ts': /^broker\/(redis|embedded|memory)\// };

/** Calls that read or wait for time. `setImmediate` waits for no time: it ends a turn. */
const TIME =
  /\b(Date\.now|new Date\(\s*\)|performance\.(now|timeOrigin)|setTimeout|setInterval)\b|node:timers/g;

interface Import {
  readonly from: string;
  /** Relative to src, or a package's name. */
  readonly to: string;
  readonly typeOnly: boolean;
}

const files = sourceFiles();
const imports = files.flatMap(importsOf);

describe('the layers of src', () => {
  it('are all known to this test', () => {
    const folders = new Set(files.map((file) => file.split('/')[0] ?? ''));
    assert.deepEqual(
      [...folders].filter((folder) => !(folder in ALLOWED)),
      [],
    );
  });

  it('import only what lies below them', () => {
    const wrong = imports.filter(({ from, to }) => {
      const layer = from.split('/')[0] ?? '';
      const inside = to.startsWith(`${layer}/`) || to === layer;
      return (
        isOurs(to) &&
        !inside &&
        !(ALLOWED[layer] ?? []).some((allowed) => to === allowed || to.startsWith(`${allowed}/`))
      );
    });
    assertNone(wrong, 'is not below it');
  });

  it('keep the implementations of the broker apart: only broker/open.ts knows them', () => {
    const wrong = imports.filter(({ from, to }) =>
      Object.entries(OPENERS).some(([opener, implementation]) => {
        const own = implementation.exec(from)?.[0];
        return from !== opener && implementation.test(to) && (own === undefined || !to.startsWith(own));
      }),
    );
    assertNone(wrong, 'is known to broker/open.ts only');
  });

  it('load packages only where they are used', () => {
    const wrong = imports.filter(({ from, to, typeOnly }) => {
      const places = PACKAGES[packageOf(to)];
      return (
        !typeOnly &&
        places !== undefined &&
        !places.some((place) => from === place || from.startsWith(`${place}/`))
      );
    });
    assertNone(wrong, 'is not used here');
  });

  it('take time from lib/clock.ts only', () => {
    const wrong = files
      .filter((file) => file !== 'lib/clock.ts')
      .flatMap((file) =>
        [...code(file).matchAll(TIME)].map(([call]) => `src/${file}: ${call}: take a Clock (lib/clock.ts)`),
      );
    assert.deepEqual(wrong, []);
  });

  it('leave the console alone', () => {
    const wrong = files.filter((file) => /\bconsole\.(log|error|warn|info|debug)\(/.test(code(file)));
    assert.deepEqual(wrong, []);
  });

  it('end the process in cli only', () => {
    const wrong = files.filter((file) => !file.startsWith('cli/') && /\bprocess\.exit\(/.test(code(file)));
    // A worker is a process too: it ends itself, and the master sees it.
    assert.deepEqual(
      wrong.filter((file) => !file.startsWith('worker/')),
      [],
    );
  });
});

describe('what a worker loads', () => {
  it('is the worker runtime: no store, no configuration, no log library', () => {
    const entries = files.filter((file) => file.startsWith('worker/'));
    assert.ok(entries.length > 0, 'src/worker has files');
    const loaded = reachable(entries);
    const unwanted = [...loaded].filter(
      (to) => packageOf(to) in PACKAGES || /^(broker|config|supervisor|cli|client|control)\//.test(to),
    );
    assert.deepEqual(unwanted, []);
  });
});

/** Everything that running these files loads, through imports that are not only types. */
function reachable(entries: readonly string[]): Set<string> {
  const found = new Set(entries);
  for (const file of found) {
    for (const { from, to, typeOnly } of imports) if (from === file && !typeOnly) found.add(to);
  }
  return found;
}

function importsOf(file: string): Import[] {
  const text = code(file);
  const found: Import[] = [];
  const statements =
    /\b(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s+from\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g;
  for (const [, type, names, target, dynamic] of text.matchAll(statements)) {
    const to = target ?? dynamic ?? '';
    const isPath = to.startsWith('.');
    found.push({
      from: file,
      to: isPath ? relative(SRC, resolve(SRC, dirname(file), to)) : to,
      typeOnly: type !== undefined || onlyTypes(names),
    });
  }
  return found;
}

/** `{ type A, type B }` loads nothing. */
function onlyTypes(names: string | undefined): boolean {
  const list = /^\{([^}]*)\}$/.exec((names ?? '').trim())?.[1];
  const parts =
    list
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '') ?? [];
  return parts.length > 0 && parts.every((name) => name.startsWith('type '));
}

/** A file without comments and template texts. */
function code(file: string): string {
  return readFileSync(join(SRC, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/`(?:[^`\\]|\\.)*`/g, '``');
}

function sourceFiles(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort((a, b) => (a < b ? -1 : 1));
}

const isOurs = (to: string) => to.endsWith('.ts');
const packageOf = (to: string) => to.split('/')[0] ?? '';

function assertNone(wrong: readonly Import[], why: string): void {
  const told = wrong.map(({ from, to }) => `src/${from} imports ${to}, which ${why}`);
  assert.deepEqual(told, []);
}

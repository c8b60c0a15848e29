import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { glob } from '../../../src/config/glob.ts';
import { findModules } from '../../../src/config/modules.ts';
import { TemporaryFolder } from './temporary-config.ts';

describe('the task modules of a configuration', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = new TemporaryFolder();
  });
  afterEach(() => folder.remove());

  const found = (...patterns: string[]) => {
    const { modules, findings } = findModules(patterns.map((pattern) => join(folder.path, pattern)));
    return {
      modules: modules.map((path) => relative(folder.path, path)),
      told: findings.map(({ message }) => message),
    };
  };

  it('are modules of every kind, without declarations, maps and tests', () => {
    for (const name of ['a.js', 'b.mjs', 'c.cjs', 'd.ts', 'e.mts', 'f.cts']) folder.write(`tasks/${name}`);
    for (const name of [
      'x.d.ts',
      'x.d.mts',
      'a.js.map',
      'a.test.js',
      'd.test.ts',
      'README.md',
      'data.json',
      '.hidden.js',
    ])
      folder.write(`tasks/${name}`);
    assert.deepEqual(
      found('tasks/*').modules,
      ['a.js', 'b.mjs', 'c.cjs', 'd.ts', 'e.mts', 'f.cts'].map((name) => `tasks/${name}`),
    );
  });

  it('are the compiled files where both are there, by the same pattern as before compiling', () => {
    folder.write('tasks/a.ts', '', 1_000);
    folder.write('tasks/b.mts', '', 1_000);
    assert.deepEqual(found('tasks/*').modules, ['tasks/a.ts', 'tasks/b.mts']);
    folder.write('tasks/a.js', '', 2_000);
    folder.write('tasks/b.mjs', '', 2_000);
    assert.deepEqual(found('tasks/*'), { modules: ['tasks/a.js', 'tasks/b.mjs'], told: [] });
  });

  it('come with a warning when the source is newer than what was compiled from it', () => {
    folder.write('tasks/a.ts', '', 3_000);
    folder.write('tasks/a.js', '', 2_000);
    assert.deepEqual(found('tasks/*'), {
      modules: ['tasks/a.js'],
      told: ['a.ts is newer than a.js, which is what runs: compile it'],
    });
  });

  it('may be named one by one, in folders at any depth, each once', () => {
    for (const name of [
      'tasks/a.js',
      'tasks/deep/er/b.js',
      'other/c.js',
      'tasks/node_modules/x.js',
      'tasks/.git/y.js',
    ])
      folder.write(name);
    assert.deepEqual(found('other/c.js', 'tasks/**/*.js', 'tasks/a.js', 'oth?r/c*').modules, [
      'other/c.js',
      'tasks/a.js',
      'tasks/deep/er/b.js',
    ]);
    assert.deepEqual(found('tasks/**').modules, ['tasks/a.js', 'tasks/deep/er/b.js']);
    assert.deepEqual(found('**/er/*').modules, ['tasks/deep/er/b.js']);
    assert.deepEqual(found('*/c.js').modules, ['other/c.js']);
  });

  it('are told about when a pattern matches none', () => {
    folder.write('tasks/a.md');
    assert.deepEqual(found('tasks/*', 'missing.js', 'tasks').told, [
      `no task module matches ${join(folder.path, 'tasks/*')}`,
      `no task module matches ${join(folder.path, 'missing.js')}`,
      `no task module matches ${join(folder.path, 'tasks')}`,
    ]);
  });

  it('are found in a folder that holds a link to itself', () => {
    folder.write('tasks/a.js');
    symlinkSync('.', join(folder.path, 'tasks/self'));
    symlinkSync('nowhere', join(folder.path, 'tasks/broken.js'));
    assert.deepEqual(found('tasks/**/*.js').modules, ['tasks/a.js']);
  });

  it('are not looked for without end', () => {
    for (let n = 0; n < 100; n++) mkdirSync(join(folder.path, `many/${n}`), { recursive: true });
    const reply = glob(join(folder.path, ...Array.from({ length: 12 }, () => '**'), '*.js'));
    assert.match('problem' in reply ? reply.problem : 'found', /files to look through/);
  });

  it('are matched in time that does not explode with the wildcards', () => {
    folder.write(`tasks/${'a'.repeat(200)}.js`);
    const start = performance.now();
    assert.deepEqual(found(`tasks/${'*a'.repeat(60)}*b`).modules, []);
    assert.ok(performance.now() - start < 5_000);
  });
});

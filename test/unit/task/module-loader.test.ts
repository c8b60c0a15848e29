import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTasks } from '../../../src/task/module-loader.ts';

const task = (name: string) =>
  `{ [Symbol.for('forkloop.task')]: 1, name: '${name}', manifest: { name: '${name}', validated: false }, run() {} }`;

describe('module loader', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'forkloop-modules-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function file(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  const names = async (...modules: string[]) => [...(await loadTasks(modules)).keys()];

  it('finds named and default exports of ESM modules', async () => {
    const path = file(
      'a.mjs',
      `export const a = ${task('a')}; export default ${task('b')}; export const other = 1;`,
    );
    assert.deepEqual((await names(path)).sort(), ['a', 'b']);
  });

  it('finds what a CommonJS module exports, by name or as the module itself', async () => {
    const named = file('named.cjs', `module.exports = { a: ${task('a')} };`);
    const whole = file('whole.cjs', `module.exports = ${task('b')};`);
    assert.deepEqual(await names(named, whole), ['a', 'b']);
  });

  it('loads TypeScript', async () => {
    const path = file('a.ts', `const name: string = 'a'; export const a = ${task('a')} as { name: string };`);
    assert.deepEqual(await names(path), ['a']);
  });

  it('takes one task that two modules export for one', async () => {
    const origin = file('origin.mjs', `export const a = ${task('a')};`);
    const again = file('again.mjs', `export { a } from './origin.mjs';`);
    assert.deepEqual(await names(origin, again), ['a']);
  });

  it('names both modules when two tasks have one name', async () => {
    const first = file('first.mjs', `export const a = ${task('a')};`);
    const second = file('second.mjs', `export const a = ${task('a')};`);
    await assert.rejects(loadTasks([first, second]), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_TASK_MODULE');
      assert(error.message.includes(first) && error.message.includes(second), error.message);
      return true;
    });
  });

  it('refuses a module without a task, unless its name starts with _', async () => {
    await assert.rejects(loadTasks([file('empty.mjs', 'export {};')]), { code: 'ERR_TASK_MODULE' });
    assert.deepEqual(await names(file('_shared.mjs', 'export const shared = 1;')), []);
  });

  it('tells every fault to who asks for them, and loads the rest', async () => {
    const faults: string[] = [];
    const tasks = await loadTasks(
      [
        file('throws.mjs', 'throw new Error("no settings")'),
        file('empty.mjs', 'export {};'),
        file('first.mjs', `export const a = ${task('a')};`),
        file('second.mjs', `export const a = ${task('a')}, b = ${task('b')};`),
      ],
      (fault) => faults.push(`${fault.code} ${fault.message}`),
    );
    assert.deepEqual([...tasks.keys()], ['a', 'b']);
    assert.equal(faults.length, 3);
    assert.match(faults[0] ?? '', /^ERR_TASK_MODULE .*throws\.mjs does not load: Error: no settings/);
    assert.match(faults[1] ?? '', /empty\.mjs exports no task/);
    assert.match(faults[2] ?? '', /two tasks are named a: .*first\.mjs .*second\.mjs/);
  });

  it('names the module that does not load, and why', async () => {
    for (const [name, text, why] of [
      [
        'throws.mjs',
        `throw new TypeError('no settings')`,
        /throws\.mjs does not load: TypeError: no settings/,
      ],
      ['broken.mjs', 'export const = 1;', /broken\.mjs does not load: SyntaxError/],
    ] as const) {
      await assert.rejects(loadTasks([file(name, text)]), (error: Error) => {
        assert.match(error.message, why);
        return true;
      });
    }
    await assert.rejects(loadTasks([join(folder, 'missing.mjs')]), { code: 'ERR_TASK_MODULE' });
  });
});

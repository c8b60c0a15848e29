/** How a thread's first module is started: from the bundle when compiled, through `tsx` where it runs as source. */

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export interface ThreadEntry {
  /** The first parameter of `Worker`, and its option `eval`. */
  readonly script: string | URL;
  readonly eval: boolean;
}

/**
 * @param name The module without its extension, beside the caller in the source.
 * @param from `import.meta.url` of the caller.
 */
export function threadEntry(name: string, from: string): ThreadEntry {
  if (!from.endsWith('.ts')) {
    const bundled = new URL(`../bundle/threads/${name}.js`, import.meta.url);
    return { script: bundled, eval: false };
  }
  const entry = new URL(`./${name}.ts`, from);
  const { typescript } = process.features as { typescript?: string | false };
  if (typescript) return { script: entry, eval: false };
  // `--import tsx` does nothing in a thread: its hooks are registered from within.
  const script = `import(${JSON.stringify(tsxApi(from))})
    .then(({ register }) => { register(); return import(${JSON.stringify(entry.href)}); });`;
  return { script, eval: true };
}

/** Read from its package: where tsx runs a module as CommonJS, `resolve` finds the build that registers nothing here. */
function tsxApi(from: string): string {
  const require = createRequire(from);
  const manifest = require.resolve('tsx/package.json');
  const { exports } = require(manifest) as { exports: { './esm/api': { import: { default: string } } } };
  return new URL(exports['./esm/api'].import.default, pathToFileURL(manifest)).href;
}

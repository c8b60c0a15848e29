/** How this Node is made to run TypeScript, if at all. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** URLs of what `tsx` offers. */
export interface Tsx {
  /** For `node --import`. */
  readonly loader: string;
  /** Modules with a `register` function: for what `require` and what `import` loads. */
  readonly apis: readonly string[];
}

/** Node strips types by itself. */
export function stripsTypes(): boolean {
  const { typescript } = process.features as { typescript?: string | false };
  return typescript !== undefined && typescript !== false;
}

/**
 * `tsx` as a module at `from` (a path or URL) sees it; null where it is not installed. Read from its package: `require`
 * would find the CommonJS build, which registers nothing for `import`.
 */
export function findTsx(from: string): Tsx | null {
  try {
    const manifest = createRequire(from).resolve('tsx/package.json');
    const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as TsxManifest;
    const urlOf = (path: string) => pathToFileURL(join(dirname(manifest), path)).href;
    const apis = [exports['./cjs/api'], exports['./esm/api']].map((entry) => urlOf(entry.import.default));
    return { loader: urlOf(exports['.']), apis };
  } catch {
    return null;
  }
}

type ApiEntry = { readonly import: { readonly default: string } };

interface TsxManifest {
  readonly exports: { readonly '.': string; readonly './cjs/api': ApiEntry; readonly './esm/api': ApiEntry };
}

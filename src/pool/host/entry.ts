/** How a worker's first module is started: as it is when compiled, through `tsx` where this file runs as source. */

import { fileURLToPath } from 'node:url';

const source = import.meta.url.endsWith('.ts');
const entry = new URL(`../../worker/main.${source ? 'ts' : 'js'}`, import.meta.url);

/** The first module of a forked worker. */
export const WORKER_ENTRY = fileURLToPath(entry);

/** What Node must be told to run the entry: nothing, or to load `tsx` for the source. */
export function entryArguments(): readonly string[] {
  return needsTsx() ? ['--import', import.meta.resolve('tsx')] : [];
}

/** The first two parameters of a thread's constructor; `--import tsx` does nothing in a thread. */
export function threadEntry(): { readonly script: string | URL; readonly eval: boolean } {
  if (!needsTsx()) return { script: entry, eval: false };
  const script = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))})
    .then(({ register }) => { register(); return import(${JSON.stringify(entry.href)}); });`;
  return { script, eval: true };
}

function needsTsx(): boolean {
  const { typescript } = process.features as { typescript?: string | false };
  return source && (typescript === undefined || typescript === false);
}

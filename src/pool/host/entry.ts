/** How a worker's first module is started: from the bundle when compiled, through `tsx` where this file runs as source. */

import { fileURLToPath } from 'node:url';
import { findTsx, stripsTypes, type Tsx } from '../../task/typescript.ts';

const source = import.meta.url.endsWith('.ts');
const entry = new URL(source ? '../../worker/main.ts' : '../../bundle/worker/main.js', import.meta.url);
const tsx: Tsx | null = source && !stripsTypes() ? findTsx(import.meta.url) : null;

/** The first module of a forked worker. */
export const WORKER_ENTRY = fileURLToPath(entry);

/** What Node must be told to run it. */
export const ENTRY_ARGUMENTS: readonly string[] = tsx === null ? [] : ['--import', tsx.loader];

/** The first module of a thread. `--import tsx` does nothing in a thread: there the source is text that registers it. */
export const THREAD_ENTRY: { readonly script: string | URL; readonly eval: boolean } =
  tsx === null ? { script: entry, eval: false } : { script: registering(tsx), eval: true };

function registering({ apis }: Tsx): string {
  const register = apis.map((api) => `(await import(${JSON.stringify(api)})).register();`);
  return `void (async () => { ${register.join(' ')} await import(${JSON.stringify(entry.href)}); })();`;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Delay } from '../eta/stand-in.ts';
import { type Child, isRunning, type Workspace } from './workspace.ts';

const SERVICES = fileURLToPath(new URL('../eta/services.js', import.meta.url));
const START_MS = 20_000;

/** The stand-in services as a process of their own, and their URL. */
export async function startServices(
  workspace: Workspace,
  delay: Delay,
  seed: number,
): Promise<{ child: Child; url: string }> {
  const child = workspace.start('services', [
    SERVICES,
    '--port',
    '0',
    '--delay-ms',
    `${delay.shortest}..${delay.longest}`,
    '--seed',
    String(seed),
  ]);
  const deadline = performance.now() + START_MS;
  for (;;) {
    const url = /^http:\S+$/m.exec(child.output())?.[0];
    if (url !== undefined) return { child, url };
    if (!isRunning(child) || performance.now() > deadline)
      throw new Error(`the stand-in services did not start:\n${child.output()}`);
    await sleep(20);
  }
}

import { realpathSync, statSync } from 'node:fs';

/**
 * Tells whether the code of the task modules may have changed: where each leads (a deployment switches a symbolic link),
 * when it was written and how long it is. What the modules import is not looked at: `reload --all` rolls in any case.
 */
export function codeFingerprint(modules: readonly string[]): string {
  return modules.map(fingerprintOf).join('\n');
}

function fingerprintOf(path: string): string {
  try {
    const real = realpathSync(path);
    const { mtimeMs, size } = statSync(real);
    return `${real} ${mtimeMs} ${size}`;
  } catch {
    return `${path} gone`;
  }
}

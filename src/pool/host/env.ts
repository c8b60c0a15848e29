/** What a worker sees of the master's environment; a trailing `*` stands for any ending. */
const ALLOWED = ['PATH', 'HOME', 'LANG', 'LC_*', 'TZ', 'NODE_ENV', 'TMPDIR', 'USER'];

/**
 * The environment of a worker: a few variables that programs need anywhere, and what the pool's configuration says. So a
 * broker's password, `NODE_OPTIONS` or systemd's `NOTIFY_SOCKET` never reaches user code.
 */
export function workerEnv(
  master: Readonly<Record<string, string | undefined>>,
  configured: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(master)) {
    if (value !== undefined && isAllowed(name)) env[name] = value;
  }
  return { ...env, ...configured };
}

function isAllowed(name: string): boolean {
  return ALLOWED.some((rule) => (rule.endsWith('*') ? name.startsWith(rule.slice(0, -1)) : name === rule));
}

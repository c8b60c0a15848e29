/** What changes between two configurations, and what each change takes: pure. */

import type { LoadedConfig } from './load.ts';
import { withoutSecrets } from './secrets.ts';

/**
 * `hot`: at once, nothing is disturbed. `roll`: a pool's workers are replaced one by one. `restart`: the daemon cannot do it
 * while it runs; then nothing of the file is applied.
 */
export type Effect = 'hot' | 'roll' | 'restart';

export interface Change {
  /** As in `pools.io.timeout`. */
  readonly path: string;
  /** Undefined where the key was not, or is no longer, there. Secrets are `***`. */
  readonly from: unknown;
  readonly to: unknown;
  readonly effect: Effect;
  /** The pool to roll; null where every pool is. Only with effect `roll`. */
  readonly pool: string | null;
}

/** What a key's change takes: the first rule that matches. `*` stands for one key, a rule holds for all below it. */
const RULES: readonly (readonly [string, Effect])[] = [
  ['log.level', 'hot'],
  ['log.format', 'hot'],
  ['shutdown.drain_timeout', 'hot'],
  ['shutdown.cold_grace', 'roll'],
  ['defaults', 'hot'],
  ['queues', 'hot'],
  ['routes', 'hot'],
  ['schedules', 'hot'],
  ['pools.*.workers', 'hot'],
  ['pools.*.timeout', 'hot'],
  ['pools.*.kill_after', 'hot'],
  ['pools.*.retry', 'hot'],
  ['pools.*.required', 'hot'],
  ['pools.*.restart.on_crash_loop', 'hot'],
  ['pools.*.kind', 'restart'],
  ['pools.*.queues', 'restart'],
  ['pools.*.*', 'roll'],
];

export function planReload(before: LoadedConfig, after: LoadedConfig): readonly Change[] {
  const changes = differences([], before.config, after.config).map((difference) => classify(difference));
  if (same(before.modules, after.modules) || changes.some(({ path }) => path.startsWith('tasks')))
    return changes;
  // The patterns are the same, the files they match are not.
  return [...changes, { path: 'tasks', from: before.modules, to: after.modules, effect: 'roll', pool: null }];
}

interface Difference {
  readonly keys: readonly string[];
  readonly from: unknown;
  readonly to: unknown;
}

function classify({ keys, ...values }: Difference): Change {
  const path = keys.join('.');
  const [from, to] = [withoutSecrets(keys, values.from), withoutSecrets(keys, values.to)];
  if (keys[0] === 'tasks') return { path, from, to, effect: 'roll', pool: null };
  const effect = RULES.find(([rule]) => matches(rule.split('.'), keys))?.[1] ?? 'restart';
  return {
    path,
    from,
    to,
    effect,
    pool: effect === 'roll' && keys[0] === 'pools' ? (keys[1] ?? null) : null,
  };
}

const matches = (rule: readonly string[], keys: readonly string[]): boolean =>
  rule.length <= keys.length && rule.every((part, index) => part === '*' || part === keys[index]);

/** Objects are compared key by key, anything else (lists too) as a whole. */
function differences(keys: readonly string[], from: unknown, to: unknown): Difference[] {
  if (!isObject(from) || !isObject(to)) return same(from, to) ? [] : [{ keys, from, to }];
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...names].flatMap((name) => differences([...keys, name], from[name], to[name]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

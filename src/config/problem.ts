import { ForkloopError } from '../lib/errors.ts';

/** A place in the file, counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
  /** How many characters the caret underlines. */
  readonly width: number;
}

/** Something wrong with a configuration, and where. */
export interface Problem {
  readonly file: string;
  /** Null when the file as a whole is meant, as when it cannot be read. */
  readonly line: number | null;
  readonly column: number | null;
  readonly width: number;
  /** As in `pools.io.timeout`; empty when no key is meant. */
  readonly path: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

/** The configuration cannot be used. Carries everything that is wrong with it, not only the first. */
export class ConfigError extends ForkloopError {
  readonly problems: readonly Problem[];
  /** For people: a paragraph for each problem, with the line of the file and a caret under the place. */
  readonly report: string;

  constructor(problems: readonly Problem[], report: string) {
    super('ERR_CONFIG_INVALID', report);
    this.name = 'ConfigError';
    this.problems = problems;
    this.report = report;
  }
}

/** Keys and list positions from the root of the file. */
export type ConfigPath = readonly PropertyKey[];

/** As in `pools.io.queues[0]`. */
export function formatPath(path: ConfigPath): string {
  return path
    .map((part, at) => {
      if (typeof part === 'number') return `[${part}]`;
      const text = String(part);
      return /^[A-Za-z0-9_-]+$/.test(text) ? `${at === 0 ? '' : '.'}${text}` : `[${JSON.stringify(text)}]`;
    })
    .join('');
}

/** What stands at a path of a parsed file; undefined where it leads nowhere. */
export function valueAt(root: unknown, path: ConfigPath): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

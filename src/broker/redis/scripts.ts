import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Each verb with the parts that its script uses, in their order. */
const PARTS = {
  enqueue: ['now'],
  open: ['now'],
  exchange: ['now', 'record', 'promote'],
  heartbeat: ['now'],
  resync: ['now'],
  close: [],
  sweep: ['now', 'record', 'promote'],
  reclaim: ['now', 'record'],
  watermark: ['now'],
  fire: ['now'],
  stats: ['now'],
  list: [],
  find: ['record', 'search'],
  pause: ['now'],
  retry: ['now', 'record', 'search'],
  delete: ['record', 'search'],
  purge: ['now', 'record'],
} as const satisfies Record<string, readonly Part[]>;

export type Verb = keyof typeof PARTS;
export const VERBS = Object.keys(PARTS) as readonly Verb[];
export type Part = 'now' | 'record' | 'promote' | 'search';

export interface Script {
  readonly sha: string;
  readonly text: string;
}

/** The command that runs a script which the server knows. */
export const evalOf = (script: Script, keys: readonly string[], args: readonly string[]): string[] => [
  'EVALSHA',
  script.sha,
  String(keys.length),
  ...keys,
  ...args,
];

/** The script of each verb, read when it is first used. `replaced` puts other text in the place of a part. */
export class Scripts {
  readonly #replaced: Partial<Record<Part, string>>;
  readonly #loaded = new Map<Verb, Script>();

  constructor(replaced: Partial<Record<Part, string>> = {}) {
    this.#replaced = replaced;
  }

  get(verb: Verb): Script {
    const known = this.#loaded.get(verb);
    if (known !== undefined) return known;
    const text = this.#compose(verb);
    const script = { text, sha: createHash('sha1').update(text).digest('hex') };
    this.#loaded.set(verb, script);
    return script;
  }

  /** Redis wants the line with the flags first; the parts follow it. */
  #compose(verb: Verb): string {
    const body = read(`${verb}.lua`);
    const end = body.indexOf('\n') + 1;
    const parts = PARTS[verb].map((part: Part) => this.#replaced[part] ?? read(`parts/${part}.lua`));
    return body.slice(0, end) + parts.join('') + body.slice(end);
  }
}

const read = (file: string): string => readFileSync(new URL(`./scripts/${file}`, import.meta.url), 'utf8');

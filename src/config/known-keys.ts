import * as z from 'zod';
import type { ConfigPath } from './problem.ts';
import { valueAt } from './problem.ts';
import { configSchema } from './schema.ts';

/** The part of JSON Schema that is looked at. */
interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly const?: unknown;
}

export interface KnownKeys {
  readonly keys: readonly string[];
  /** Keys that belong here with another `kind` or `type`: key → as in `kind: async`. */
  readonly elsewhere: ReadonlyMap<string, string>;
}

/** The keys that a mapping at this path may have, given what the file says around it. */
export function knownKeys(path: ConfigPath, data: unknown): KnownKeys {
  let schemas: readonly JsonSchema[] = [rootSchema()];
  for (const [index, part] of path.entries()) {
    const here = valueAt(data, path.slice(0, index));
    schemas = branches(schemas, here).fitting.flatMap((schema) => step(schema, part));
  }
  const { fitting, others } = branches(schemas, valueAt(data, path));
  const keys = [...new Set(fitting.flatMap((schema) => Object.keys(schema.properties ?? {})))];
  const elsewhere = new Map<string, string>();
  for (const { schema, choice } of others) {
    for (const key of Object.keys(schema.properties ?? {}))
      if (!keys.includes(key)) elsewhere.set(key, choice);
  }
  return { keys, elsewhere };
}

let cached: JsonSchema | undefined;
function rootSchema(): JsonSchema {
  cached ??= z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return cached;
}

function step(schema: JsonSchema, part: PropertyKey): JsonSchema[] {
  if (typeof part === 'number') return schema.items === undefined ? [] : [schema.items];
  const own = Object.hasOwn(schema.properties ?? {}, part) ? schema.properties?.[String(part)] : undefined;
  const found =
    own ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
  return found === undefined ? [] : [found];
}

/** Splits alternatives by the one `kind` or `type` that the value has; all of them fit when it has none. */
function branches(schemas: readonly JsonSchema[], value: unknown) {
  const fitting: JsonSchema[] = [];
  const others: { schema: JsonSchema; choice: string }[] = [];
  for (const schema of schemas) {
    const alternatives = schema.oneOf ?? schema.anyOf;
    if (alternatives === undefined) {
      fitting.push(schema);
      continue;
    }
    const chosen = alternatives.filter((alternative) => choiceOf(alternative, value)?.taken ?? false);
    fitting.push(...(chosen.length > 0 ? chosen : alternatives));
    for (const alternative of chosen.length > 0 ? alternatives : []) {
      const choice = choiceOf(alternative, value);
      if (choice !== null && !choice.taken) others.push({ schema: alternative, choice: choice.text });
    }
  }
  return { fitting, others };
}

function choiceOf(schema: JsonSchema, value: unknown): { text: string; taken: boolean } | null {
  for (const [key, { const: constant }] of Object.entries(schema.properties ?? {})) {
    if (constant !== undefined)
      return { text: `${key}: ${constant}`, taken: valueAt(value, [key]) === constant };
  }
  return null;
}

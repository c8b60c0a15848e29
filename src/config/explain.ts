/** The configuration in force, as a person would write it, and where each value comes from. */

import type { Environment } from './environment.ts';
import { variableIn } from './environment.ts';
import { configTree, type JsonSchema } from './json-schema.ts';
import type { LoadedConfig } from './load.ts';
import { type ConfigPath, valueAt } from './problem.ts';
import { withoutSecrets } from './secrets.ts';
import { SourceFile } from './source-file.ts';

export type Origin =
  | { readonly from: 'file'; readonly file: string; readonly line: number }
  /** A variable of the environment, named in the file or in a default. */
  | { readonly from: 'env'; readonly variable: string }
  | { readonly from: 'default' };

export interface Setting {
  readonly path: ConfigPath;
  /** In the units of the file; lists of scalars as a whole. Passwords are `***`. */
  readonly value: unknown;
  readonly origin: Origin;
}

/**
 * Every setting of a loaded configuration in the order of the schema. What nothing is said about and what has no default
 * is left out. Passwords of URLs, and variables of workers whose name sounds like a secret, are hidden.
 */
export function explainConfig({ path, config }: LoadedConfig, env: Environment): Setting[] {
  const file = new SourceFile(path);
  const data = file.read(env);
  const settings: Setting[] = [];
  const originOf = (at: ConfigPath): Origin => {
    if (valueAt(data, at) === undefined) return originOfDefault(at, config, env);
    const { file: name, line, written } = file.placeOf(at);
    const variable = written === null ? null : variableIn(written, env);
    return variable === null ? { from: 'file', file: name, line } : { from: 'env', variable };
  };
  visit(configTree(), data, [], (at, value) => {
    settings.push({ path: at, value: withoutSecrets(at, placed(at, value, config)), origin: originOf(at) });
  });
  return settings;
}

type Found = (path: ConfigPath, value: unknown) => void;

function visit(schema: JsonSchema, given: unknown, path: ConfigPath, found: Found): void {
  const value = given === undefined ? schema.default : given;
  if (value === undefined) return;
  const { properties, additionalProperties, items } = chosen(schema, value);
  if (properties !== undefined) {
    for (const [key, inner] of Object.entries(properties))
      visit(inner, valueAt(value, [key]), [...path, key], found);
  } else if (typeof additionalProperties === 'object') {
    for (const [key, item] of Object.entries(value ?? {}))
      visit(additionalProperties, item, [...path, key], found);
  } else if (items?.properties !== undefined && Array.isArray(value)) {
    for (const [at, item] of value.entries()) visit(items, item, [...path, at], found);
  } else found(path, value);
}

/** Of alternatives the one whose constant the value has. */
function chosen(schema: JsonSchema, value: unknown): JsonSchema {
  const fits = ({ properties = {} }: JsonSchema) =>
    Object.entries(properties).some(
      ([key, { const: constant }]) => constant !== undefined && valueAt(value, [key]) === constant,
    );
  return schema.oneOf?.find(fits) ?? schema;
}

/** The paths that were made absolute. */
const PATHS: readonly ConfigPath[] = [
  ['tasks'],
  ['broker', 'path'],
  ['broker', 'password_file'],
  ['control', 'directory'],
];

function placed(path: ConfigPath, value: unknown, config: LoadedConfig['config']): unknown {
  const isPath = PATHS.some((each) => each.join() === path.join());
  return isPath ? valueAt(config, path) : value;
}

/** A default may name variables, too. */
function originOfDefault(path: ConfigPath, config: LoadedConfig['config'], env: Environment): Origin {
  const schema = path.reduce<JsonSchema>((at, part, depth) => {
    const { properties, additionalProperties } = chosen(at, valueAt(config, path.slice(0, depth)));
    const inner = properties?.[String(part)] ?? additionalProperties;
    return typeof inner === 'object' ? inner : {};
  }, configTree());
  const variable = typeof schema.default === 'string' ? variableIn(schema.default, env) : null;
  return variable === null ? { from: 'default' } : { from: 'env', variable };
}

/** The configuration as JSON Schema: what a person may write, so that editors can complete, explain and check it. */

import * as z from 'zod';
import type { QuantityMeta } from './scalars.ts';
import { configSchema } from './schema.ts';

/** The part of JSON Schema (draft-07) that the schema of the configuration uses. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly title?: string;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly propertyNames?: JsonSchema;
  readonly minProperties?: number;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  /** These only in the tree of `configTree`. */
  readonly 'x-quantity'?: QuantityMeta;
  readonly 'x-examples'?: readonly unknown[];
}

/** The schema of the file as it is written, with limits and examples: the source of the reference. */
export function configTree(): JsonSchema {
  return z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
  }) as JsonSchema;
}

/**
 * The schema for editors: draft-07, because the YAML language server knows no newer. Whatever it refuses the loader
 * refuses too; the loader finds more (limits of durations, relations between keys). Values may hold variables.
 */
export function configJsonSchema(): JsonSchema {
  const { $schema = '', ...root } = forEditors(configTree());
  return { $schema, title: 'forkloop configuration', ...root };
}

function forEditors(node: JsonSchema): JsonSchema {
  const { 'x-quantity': quantity, 'x-examples': given, oneOf, default: fallback, ...rest } = node;
  const examples = given ?? examplesOf(fallback, quantity);
  const common = {
    ...(fallback === undefined || isEmptyObject(fallback) ? {} : { default: fallback }),
    ...(examples === undefined ? {} : { examples }),
  };
  if (oneOf !== undefined) return { ...rest, ...common, anyOf: withVariableChoice(oneOf) };
  if (rest.properties !== undefined || typeof rest.additionalProperties === 'object') {
    return { ...objectForEditors(rest), ...common };
  }
  if (rest.items !== undefined) return { ...rest, ...common, items: forEditors(rest.items) };
  return { ...withVariables(rest), ...common };
}

function objectForEditors({ properties, additionalProperties, ...rest }: JsonSchema): JsonSchema {
  return {
    ...rest,
    ...(properties === undefined ? {} : { properties: mapValues(properties, forEditors) }),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === 'object'
              ? forEditors(additionalProperties)
              : additionalProperties,
        }),
  };
}

const VARIABLE: JsonSchema = { type: 'string', pattern: '\\$\\{' };

/** A value may be written as a variable: what the environment says is checked when the file is loaded. */
function withVariables(leaf: JsonSchema): JsonSchema {
  const { description, pattern, const: constant, ...rest } = leaf;
  const told = description === undefined ? {} : { description };
  // Written out: editors tell alternatives apart by it.
  if (typeof constant === 'string') return { ...told, type: 'string', const: constant };
  if (pattern !== undefined) return { ...told, ...rest, pattern: `${pattern}|\\$\\{` };
  if (rest.type === 'string' && rest.enum === undefined && rest.maxLength === undefined)
    return { ...told, ...rest };
  if (Object.keys(rest).length === 0 && constant === undefined) return told; // any JSON, texts included
  const own = constant === undefined ? rest : { ...rest, const: constant };
  return { ...told, anyOf: [...(own.anyOf ?? [own]), VARIABLE] };
}

/** Objects that differ by a constant key; which of them a variable chooses is not known here. */
function withVariableChoice(choices: readonly JsonSchema[]): JsonSchema[] {
  const keys = choices.flatMap(({ properties }) =>
    Object.entries(properties ?? {}).flatMap(([key, { const: constant }]) =>
      constant === undefined ? [] : [key],
    ),
  );
  const chosenByVariable = [...new Set(keys)].map(
    (key): JsonSchema => ({ type: 'object', properties: { [key]: VARIABLE }, required: [key] }),
  );
  return [...choices.map(forEditors), ...chosenByVariable];
}

const SAMPLES = { duration: ['30s', '500ms'], size: ['512KiB', '1MiB'], percentage: ['20%'] } as const;

function examplesOf(fallback: unknown, quantity: QuantityMeta | undefined): readonly unknown[] | undefined {
  if (quantity === undefined) return undefined;
  return typeof fallback === 'string' ? [fallback] : SAMPLES[quantity.quantity];
}

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

function mapValues<From, To>(
  from: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, map(value)]));
}

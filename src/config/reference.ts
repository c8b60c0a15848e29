/** The configuration reference (docs/configuration.md), made of the schema: nothing about a key is written twice. */

import { configTree, type JsonSchema } from './json-schema.ts';
import { NAME } from './scalars.ts';

const INTRODUCTION = `# Configuration reference

Made from the schema by \`npm run generate\`: do not edit it. A commented file to begin with is
[config/supervisor.yaml](../config/supervisor.yaml).

Every command looks for the file in this order: \`--config\`, \`FORKLOOP_CONFIG\`, \`./config/supervisor.yaml\`,
\`/etc/forkloop/supervisor.yaml\`. \`supervisor check\` tells everything that is wrong with it, each mistake with its line;
\`supervisor config show --origin\` tells every value in force and where it comes from. An unknown key is an error.

- A **duration** is one number and one unit: \`250ms\` \`30s\` \`1.5h\` \`14d\` (\`ms s m h d\`). A bare number is an error.
- A **size** likewise: \`512KiB\` \`1MiB\` (\`B KiB MiB GiB\`). A **percentage** is \`0%\` to \`100%\`.
- A **name** is letters, digits and \`_ . -\`, at most 64, and starts with a letter or digit.
- Paths are relative to the folder of the file.
- \`\${NAME}\` in a value is replaced by the environment variable, \`\${NAME:-text}\` by the text where it is unset or empty;
  \`$\${\` stands for \`\${\`. Inside \`{ }\` and \`[ ]\` quote such a value.
- Of several settings for one job the nearest wins: the enqueuing call, the task, its queue, its pool, \`defaults\`.

For completion and checks in an editor with a YAML language server, begin the file with the way to the schema:

\`\`\`yaml
# yaml-language-server: $schema=../node_modules/forkloop/config/supervisor.schema.json
\`\`\`

\`supervisor config schema\` prints it.
`;

interface Section {
  readonly path: string;
  /** As in `kind: process`, where the keys depend on it. */
  readonly choice: string | null;
  readonly schema: JsonSchema;
}

/** The whole page as Markdown. */
export function configurationReference(): string {
  const root: Section = { path: '', choice: null, schema: configTree() };
  return [INTRODUCTION, ...withInner(root).map(sectionText)].join('\n');
}

/** A section and, each once, those of the mappings inside it, in the order of the schema. */
function withInner(section: Section): Section[] {
  const found = new Map<string, Section>();
  const visit = (at: Section) => {
    const id = titleOf(at);
    if (found.has(id)) return;
    found.set(id, at);
    for (const [key, schema] of Object.entries(at.schema.properties ?? {})) {
      for (const inner of sectionsOf(joined(at.path, key), schema)) visit(inner);
    }
  };
  visit(section);
  return [...found.values()];
}

/** What has keys of its own under this path: a mapping, the members of a mapping of names, the items of a list. */
function sectionsOf(path: string, schema: JsonSchema): Section[] {
  if (schema.oneOf !== undefined) {
    return schema.oneOf.map((choice) => ({ path, choice: choiceOf(choice), schema: choice }));
  }
  if (schema.properties !== undefined) return [{ path, choice: null, schema }];
  if (typeof schema.additionalProperties === 'object')
    return sectionsOf(`${path}.NAME`, schema.additionalProperties);
  return schema.items === undefined ? [] : sectionsOf(`${path}[]`, schema.items);
}

function choiceOf({ properties = {} }: JsonSchema): string | null {
  const found = Object.entries(properties).find(([, { const: constant }]) => constant !== undefined);
  return found === undefined ? null : `${found[0]}: ${String(found[1].const)}`;
}

function sectionText(section: Section): string {
  const { schema, path, choice } = section;
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties ?? {}).map(([key, value]) =>
    row([
      `\`${key}\``,
      typeText(joined(path, key), value),
      required.has(key) ? '*required*' : defaultText(value),
      escaped(value.description ?? ''),
      exampleText(key, value, choice),
    ]),
  );
  const heading = path === '' ? 'The file' : titleOf(section);
  const told = path === '' || choice !== null ? [] : [escaped(schema.description ?? ''), ''];
  return [
    `## ${heading}`,
    '',
    ...told.filter((line, at) => line !== '' || at === 1),
    row(['Key', 'Type', 'Default', 'Meaning', 'Example']),
    row(['---', '---', '---', '---', '---']),
    ...rows,
    '',
  ].join('\n');
}

function titleOf({ path, choice }: Section): string {
  return choice === null ? path : `${path}, ${choice}`;
}

function typeText(path: string, schema: JsonSchema): string {
  const [section] = sectionsOf(path, schema);
  if (section !== undefined) {
    const links = sectionsOf(path, schema).map(
      (inner) => `[${titleOf(inner)}](#${anchorOf(titleOf(inner))})`,
    );
    const what =
      schema.items !== undefined
        ? 'list of'
        : schema.properties === undefined
          ? 'mapping of names to'
          : 'mapping:';
    return schema.oneOf === undefined ? `${what} ${links.join(' or ')}` : links.join(' or ');
  }
  const { 'x-quantity': quantity, enum: values, const: constant, items, anyOf } = schema;
  if (quantity !== undefined) return `${quantity.quantity}${rangeText(quantity.least, quantity.most)}`;
  if (constant !== undefined) return code(constant);
  if (values !== undefined) return values.map(code).join(' or ');
  if (anyOf !== undefined) return anyOf.map((one) => typeText(path, one)).join(' or ');
  if (items !== undefined) return `list of ${plural(typeText(path, items))}`;
  if (typeof schema.additionalProperties === 'object') return 'mapping of names to texts';
  if (schema.type === 'integer') return `whole number${rangeText(schema.minimum, schema.maximum)}`;
  if (schema.type === 'number') return `number${rangeText(schema.minimum, schema.maximum)}`;
  if (schema.type === 'boolean') return '`true` or `false`';
  if (schema.pattern === NAME.source) return 'name';
  return schema.type === undefined ? 'any JSON' : 'text';
}

const plural = (type: string): string => (type === 'text' || type === 'name' ? `${type}s` : type);

function rangeText(
  least: string | number | null | undefined,
  most: string | number | null | undefined,
): string {
  const [from, to] = [least ?? null, most ?? null];
  if (from !== null && to !== null) return `, ${from} to ${to}`;
  if (from !== null) return `, at least ${from}`;
  return to === null ? '' : `, at most ${to}`;
}

function defaultText({ default: fallback }: JsonSchema): string {
  if (fallback === undefined) return 'none';
  if (Array.isArray(fallback) && fallback.length === 0) return 'none';
  return isEmpty(fallback) ? 'as below' : code(inline(fallback));
}

function exampleText(key: string, schema: JsonSchema, choice: string | null): string {
  const { 'x-examples': examples, default: fallback, enum: values, const: constant } = schema;
  const sample =
    examples?.[0] ??
    constant ??
    values?.at(-1) ??
    (isEmpty(fallback) ? undefined : fallback) ??
    sampleOf(schema);
  if (sample === undefined) return '';
  return code(choice !== null && constant !== undefined ? choice : `${key}: ${inline(sample)}`);
}

function sampleOf({ 'x-quantity': quantity, minimum, properties }: JsonSchema): unknown {
  if (quantity !== undefined) return { duration: '30s', size: '1MiB', percentage: '20%' }[quantity.quantity];
  if (properties === undefined) return minimum;
  const [first] = Object.entries(properties);
  return first === undefined ? undefined : { [first[0]]: first[1].default ?? sampleOf(first[1]) };
}

/** A value as YAML on one line. */
function inline(value: unknown, inside = false): string {
  if (Array.isArray(value)) return `[${value.map((item) => inline(item, true)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, item]) => `${key}: ${inline(item, true)}`);
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
  }
  if (typeof value !== 'string') return String(value);
  return (inside ? /^[\w./%-]+$/ : /^[\w./$:{}%-]+$/).test(value) ? value : JSON.stringify(value);
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;
const joined = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);
const code = (value: unknown): string => `\`${String(value).replaceAll('|', '\\|')}\``;
const escaped = (text: string): string => text.replace(/[|*_<>]/g, '\\$&');
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
/** As GitHub makes it of a heading. */
const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

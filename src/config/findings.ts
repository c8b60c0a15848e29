/** What the schema says against a file, in the words of its author: one finding for one mistake. */

import type * as z from 'zod';
import { didYouMean, suggest } from '../lib/suggest.ts';
import { type KnownKeys, knownKeys } from './known-keys.ts';
import { type ConfigPath, valueAt } from './problem.ts';
import { withoutSecrets } from './secrets.ts';

export interface Finding {
  readonly path: ConfigPath;
  /** Whether the key or its value is wrong. */
  readonly at: 'key' | 'value';
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

/** Keys that the documentation knows and this release does not act on. */
const LATER = new Set(['http', 'rate_limit', 'max_backlog', 'roots']);

/** `data` is what the schema was given. */
export function findingsOf(issues: readonly Issue[], data: unknown): Finding[] {
  return issues.flatMap((issue) => findingsOfIssue(issue, data));
}

function findingsOfIssue(issue: Issue, data: unknown): Finding[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path, data);
    return issue.keys.map((key) => error([...issue.path, key], unknownKey(key, known), 'key'));
  }
  if (issue.code === 'invalid_key') {
    return [error(issue.path, issue.issues[0]?.message ?? issue.message, 'key')];
  }
  const value = valueAt(data, issue.path);
  if (value === undefined && issue.path.length > 0) return [missing(issue, data)];
  return [error(issue.path, messageOf(issue, withoutSecrets(issue.path, value)))];
}

function unknownKey(key: string, { keys, elsewhere }: KnownKeys): string {
  if (LATER.has(key)) return 'comes with a later release';
  const choice = elsewhere.get(key);
  if (choice !== undefined) return `unknown key here, it goes with ${choice}`;
  return `unknown key${didYouMean(key, keys)}`;
}

/** A required key that is only misspelt is told as the unknown key that it is: at the same place as that finding. */
function missing(issue: Issue, data: unknown): Finding {
  const parent = issue.path.slice(0, -1);
  const wanted = String(issue.path.at(-1));
  const { keys } = knownKeys(parent, data);
  const siblings = valueAt(data, parent);
  const misspelt = Object.keys(siblings ?? {}).find(
    (key) => !keys.includes(key) && suggest(key, keys) === wanted,
  );
  if (misspelt !== undefined)
    return error([...parent, misspelt], `unknown key${didYouMean(misspelt, keys)}`, 'key');
  const choices = choicesOf(issue);
  return error(issue.path, `is required${choices === null ? '' : `: ${choices.join(' | ')}`}`);
}

function messageOf(issue: Issue, value: unknown): string {
  const choices = choicesOf(issue);
  if (choices !== null) {
    const near = typeof value === 'string' ? didYouMean(value, choices) : '';
    return `${show(value)} is not ${choices.join(' | ')}${near}`;
  }
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')) {
    const hint =
      issue.expected === 'string' && typeof value !== 'object' ? ', quote it if it is meant as text' : '';
    return `${show(value)} is not ${TYPES[issue.expected] ?? issue.expected}${value === null ? '' : hint}`;
  }
  if (issue.code === 'too_small') {
    if (issue.origin === 'array') return 'at least one is needed';
    return issue.origin === 'string'
      ? 'must not be empty'
      : `${show(value)} is too little, the least is ${issue.minimum}`;
  }
  if (issue.code === 'too_big') {
    if (issue.origin === 'string') return `longer than ${issue.maximum} characters`;
    return `${show(value)} is too much, the most is ${issue.maximum}`;
  }
  const isOurs = issue.code === 'custom' || issue.message.startsWith('must');
  return isOurs || typeof value !== 'string' ? issue.message : `${show(value)}: ${issue.message}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true | false',
  array: 'a list: write [a, b]',
  object: 'a mapping of keys',
  record: 'a mapping of names',
};

/** The values that may stand there, when they can be counted. */
function choicesOf(issue: Issue): string[] | null {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  const { options } = issue as { options?: readonly unknown[] };
  return issue.code === 'invalid_union' && Array.isArray(options) ? options.map(String) : null;
}

/** A value in a message: short, and JSON so that nothing in it acts on a terminal. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}

export const error = (path: ConfigPath, message: string, at: Finding['at'] = 'value'): Finding => ({
  path,
  at,
  severity: 'error',
  message,
});

export const warning = (path: ConfigPath, message: string, at: Finding['at'] = 'value'): Finding => ({
  path,
  at,
  severity: 'warning',
  message,
});

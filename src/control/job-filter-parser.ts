/**
 * The language of `--where`, as in `state=dead,delayed task=eta.* age<1h error="*rate limit*"`:
 *
 *     where = term { blank term }
 *     term  = field operator value { "," value }        several values with = and != only
 *     value = word | '"' any characters, \" and \\ '"'
 *
 * Blanks around an operator are taken. Pure: what is wrong is answered with its place, for whoever can show it.
 */

import { parseDuration } from '../lib/units.ts';
import {
  FIELDS,
  type Field,
  type FieldKind,
  JOB_STATES,
  type JobFilter,
  OPERATORS,
  OPERATORS_OF,
  type Operator,
  type Term,
} from './job-filter.ts';

/** Why a text is no filter. */
export interface FilterProblem {
  /** Of the first wrong character, from 0, and how many are wrong, at least 1. */
  readonly at: number;
  readonly length: number;
  readonly message: string;
  /** What may stand there instead, when that is a list of words; else empty. */
  readonly known: readonly string[];
}

export type ParsedFilter =
  | { readonly ok: true; readonly filter: JobFilter }
  | { readonly ok: false; readonly problem: FilterProblem };

export function parseJobFilter(text: string): ParsedFilter {
  try {
    return { ok: true, filter: new Parser(text).parse() };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, problem: error.problem };
    throw error;
  }
}

/** Never leaves this file. */
class Refused extends Error {
  readonly problem: FilterProblem;

  constructor(at: number, length: number, message: string, known: readonly string[] = []) {
    super(message);
    this.problem = { at, length: Math.max(1, length), message, known };
  }
}

interface Value {
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

const FIELD_NAMES = Object.keys(FIELDS);

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Term[] {
    const terms: Term[] = [];
    this.#take(/\s*/y);
    while (this.#at < this.#text.length) {
      terms.push(this.#term());
      this.#gap();
    }
    if (terms.length === 0) throw new Refused(0, 1, 'it says nothing: name at least one field', FIELD_NAMES);
    return terms;
  }

  #term(): Term {
    const field = this.#field();
    const kind = FIELDS[field];
    const operator = this.#operator(field, kind);
    const values = this.#values(field, operator);
    return { field, operator, values: values.map((value) => meaningOf(value, kind)) };
  }

  #field(): Field {
    const at = this.#at;
    const name = this.#take(/[^\s=!<>,"]+/y);
    if (isField(name)) return name;
    if (name === '') throw new Refused(at, 1, 'a field must stand here', FIELD_NAMES);
    if (/^(and|&&)$/i.test(name))
      throw new Refused(at, name.length, `leave out ${quoted(name)}: all terms must hold anyway`);
    if (/^(or|\|\|)$/i.test(name)) {
      const message = `there is no ${quoted(name)}: write several values with a comma, as in state=ready,dead`;
      throw new Refused(at, name.length, message);
    }
    throw new Refused(at, name.length, `${quoted(name)} is no field`, FIELD_NAMES);
  }

  #operator(field: Field, kind: FieldKind): Operator {
    this.#take(/\s*/y);
    const at = this.#at;
    const found = OPERATORS.find((operator) => this.#text.startsWith(operator, at));
    const able = OPERATORS_OF[kind];
    if (found === undefined) throw new Refused(at, 1, `after ${field} must come one of ${able.join(' ')}`);
    if (!able.includes(found)) throw new Refused(at, found.length, `${field} takes ${able.join(' ')} only`);
    this.#at += found.length;
    this.#take(/\s*/y);
    return found;
  }

  #values(field: Field, operator: Operator): Value[] {
    const values = [this.#value(field)];
    for (let comma = this.#at; this.#take(/,/y) !== ''; comma = this.#at) {
      if (operator !== '=' && operator !== '!=')
        throw new Refused(comma, 1, `${operator} takes one value: write a second term for another`);
      values.push(this.#value(field));
    }
    return values;
  }

  #value(field: Field): Value {
    const at = this.#at;
    if (this.#text[at] === '"') {
      const raw = this.#take(/"(?:[^"\\]|\\[\s\S])*"/y);
      if (raw === '') throw new Refused(at, this.#text.length - at, 'this quotation mark is never closed');
      return { at, length: raw.length, text: raw.slice(1, -1).replace(/\\([\s\S])/g, '$1') };
    }
    const text = this.#take(/[^\s,"]+/y);
    if (text === '') throw new Refused(at, 1, `a value for ${field} must stand here`);
    return { at, length: text.length, text };
  }

  /** Between two terms. */
  #gap(): void {
    if (this.#take(/\s+/y) === '' && this.#at < this.#text.length)
      throw new Refused(this.#at, 1, 'a blank must stand here; put the whole value into quotation marks');
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }
}

function meaningOf(value: Value, kind: FieldKind): string | number {
  const { at, length, text } = value;
  switch (kind) {
    case 'text':
      return text;
    case 'state':
      if ((JOB_STATES as readonly string[]).includes(text)) return text;
      throw new Refused(at, length, `${quoted(text)} is no state`, JOB_STATES);
    case 'count':
      if (/^\d{1,9}$/.test(text)) return Number(text);
      throw new Refused(at, length, `${quoted(text)} is no whole number`);
    case 'duration': {
      const ms = parseDuration(text);
      if (ms !== null) return ms;
      throw new Refused(at, length, `${quoted(text)} is no duration: write 30s, 5m, 1h or 2d`);
    }
  }
}

const isField = (name: string): name is Field => Object.hasOwn(FIELDS, name);
const quoted = (text: string): string => JSON.stringify(text);

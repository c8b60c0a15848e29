/**
 * Stands before the YAML parser, which some small texts keep busy for minutes or make abort the process: nested complex
 * keys, thousands of keys in one mapping, nesting without end. The lexer is linear, so its tokens are looked at first.
 */

import { Lexer } from 'yaml';

export const SIZE_LIMIT = 256 * 1024;
const LINE_LIMIT = 5_000;
const FLOW_DEPTH_LIMIT = 32;
const INDENT_LIMIT = 64;
/** List items and keys. Checking that keys are unique takes the square of their number. */
const ENTRY_LIMIT = 5_000;
/** There can be only one; a few more pass so that the parser says what is wrong. */
const LINE_KEY_LIMIT = 8;
/** Pieces of any kind: each may cost the parser an error of its own. */
const TOKEN_LIMIT = 40_000;

export type GateReply =
  | { readonly passed: true; readonly text: string }
  | {
      readonly passed: false;
      readonly message: string;
      readonly text: string;
      readonly offset: number | null;
    };

/** Whether it is safe to parse these bytes. Decides in milliseconds, whatever they are. */
export function gate(bytes: Uint8Array): GateReply {
  if (bytes.length > SIZE_LIMIT) return refused('the file is larger than 256 KiB');
  const text = decode(bytes);
  if (text === null) return refused('the file is not UTF-8 text');
  const found = firstRefusal(text);
  return found === null ? { passed: true, text } : { passed: false, text, ...found };
}

interface Refusal {
  readonly message: string;
  readonly offset: number;
}

function firstRefusal(text: string): Refusal | null {
  const extraLine = offsetOfLine(text, LINE_LIMIT + 1);
  if (extraLine !== null) return { message: `more than ${LINE_LIMIT} lines`, offset: extraLine };
  const counts: Counts = { depth: 0, entries: 0, keysOnLine: 0 };
  let offset = 0;
  let tokens = 0;
  let lineStart = 0;
  let isContent = false;
  for (const token of new Lexer().lex(text)) {
    if (++tokens > TOKEN_LIMIT) return { message: 'too many words for a configuration file', offset };
    if (isMark(token)) {
      isContent = token === SCALAR_FOLLOWS;
      continue;
    }
    const message = isContent ? null : refusalOf(token, offset - lineStart, counts);
    if (message !== null) return { message, offset };
    isContent = false;
    offset += token.length;
    const newline = token.lastIndexOf('\n');
    if (newline === -1) continue;
    lineStart = offset - token.length + newline + 1;
    counts.keysOnLine = 0;
  }
  return null;
}

interface Counts {
  depth: number;
  entries: number;
  /** Outside of brackets. */
  keysOnLine: number;
}

function refusalOf(token: string, column: number, counts: Counts): string | null {
  if (token === '[' || token === '{') counts.depth++;
  else if (token === ']' || token === '}') counts.depth = Math.max(0, counts.depth - 1);
  else if (token === ':' || token === '-' || token === ',') counts.entries++;
  if (token === ':' && counts.depth === 0) counts.keysOnLine++;
  if (counts.depth > FLOW_DEPTH_LIMIT) return `more than ${FLOW_DEPTH_LIMIT} brackets inside each other`;
  if (counts.entries > ENTRY_LIMIT) return `more than ${ENTRY_LIMIT} keys and list items`;
  if (counts.keysOnLine > LINE_KEY_LIMIT) return `more than ${LINE_KEY_LIMIT} keys on one line`;
  if (token === '?') return 'complex keys (?) are not supported';
  if (token.startsWith('%')) return 'directives (%) are not supported';
  const indent = token === '-' ? column : column === 0 && isBlank(token) ? token.length : 0;
  return indent > INDENT_LIMIT ? `indented by more than ${INDENT_LIMIT} columns` : null;
}

/** Tokens of the lexer that stand for no character of the text. */
const SCALAR_FOLLOWS = '\u001f';
const isMark = (token: string) => token === SCALAR_FOLLOWS || token === '\u0002' || token === '\u0018';
const isBlank = (token: string) => /^[ \t]+$/.test(token);

function offsetOfLine(text: string, line: number): number | null {
  let offset = -1;
  for (let n = 1; n < line; n++) {
    offset = text.indexOf('\n', offset + 1);
    if (offset === -1) return null;
  }
  return offset + 1 < text.length ? offset + 1 : null;
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

const refused = (message: string): GateReply => ({ passed: false, message, text: '', offset: null });

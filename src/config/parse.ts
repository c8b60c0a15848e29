import { type Document, LineCounter, parseDocument } from 'yaml';

/** A file as a tree that still knows where everything stood. */
export interface ParsedFile {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

export interface SyntaxProblem {
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

/** How often aliases may repeat parts of a file, all together. */
const ALIAS_LIMIT = 20;

/** Only for texts that passed the gate. Warnings of the parser, such as unknown tags, are problems too. */
export function parse(text: string): ParsedFile & { readonly problems: readonly SyntaxProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: true,
    strict: true,
    stringKeys: true,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  });
  const problems = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
    message: plain(message),
    start: pos[0],
    end: pos[1],
  }));
  return { document, lines, problems };
}

/** The file as plain data; a text that says what is wrong when its aliases make too much of it. */
export function toData({ document }: ParsedFile): { readonly data: unknown } | { readonly message: string } {
  try {
    return { data: document.toJS({ maxAliasCount: ALIAS_LIMIT }) };
  } catch (error) {
    return { message: plain(error instanceof Error ? error.message : String(error)) };
  }
}

/** One line, begun in lower case like our own messages. */
function plain(message: string): string {
  const line = message.split('\n')[0] ?? '';
  return line.charAt(0).toLowerCase() + line.slice(1, 200);
}

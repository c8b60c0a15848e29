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
  const brace = document.errors.length === 0 ? -1 : unquotedVariable(text);
  if (brace < 0) return { document, lines, problems };
  // The errors that follow are its consequences, and point anywhere but at it.
  const hint = {
    message: 'a variable inside { } or [ ] must be quoted, as in "${NAME}"',
    start: brace,
    end: brace + 2,
  };
  return { document, lines, problems: [hint] };
}

/** Where `${` stands unquoted inside a flow mapping or list of one line; below 0 when it does not. */
function unquotedVariable(text: string): number {
  let offset = 0;
  for (const line of text.split('\n')) {
    const code = line.replace(/"[^"]*"|'[^']*'|(^|\s)#.*/g, (quoted) => ' '.repeat(quoted.length));
    const at = code.search(/[{[][^$]*\$\{/);
    if (at >= 0) return offset + code.indexOf('${', at);
    offset += line.length + 1;
  }
  return -1;
}

/** The file as plain data; a text that says what is wrong when its aliases make too much of it. */
export function toData({ document }: ParsedFile): { readonly data: unknown } | { readonly message: string } {
  try {
    return { data: document.toJS({ maxAliasCount: ALIAS_LIMIT }) };
  } catch (error) {
    if (error instanceof ReferenceError && /alias count/.test(error.message)) {
      const message = `its aliases (*name) repeat more than ${ALIAS_LIMIT} parts of the file: write them out`;
      return { message };
    }
    return { message: plain(error instanceof Error ? error.message : String(error)) };
  }
}

/** One line, begun in lower case like our own messages. */
function plain(message: string): string {
  const line = message.split('\n')[0] ?? '';
  return line.charAt(0).toLowerCase() + line.slice(1, 200);
}

import { parseJobFilter } from '../control/job-filter-parser.ts';
import { printable } from '../lib/printable.ts';
import { usageError } from './context.ts';

/** What help says of `--where`: a line for each kind of field. */
export const WHERE_HELP = `Terms of --where must all hold. Values joined by a comma: one of them must fit.
  state task queue id unique error                  = !=   * stands for anything
  priority attempt failures crashes recoveries      = != < <= > >=
  age due_in dead_for expires_in                    < <= > >=   30s 5m 1h 2d
A value with blanks needs quotation marks: error="*rate limit*". unique=* are
the jobs that have a key, unique!=* those that have none.`;

/** The same text, when it can be understood. @throws ForkloopError ERR_USAGE that points at the place. */
export async function checkedWhere(text: string): Promise<string> {
  const parsed = parseJobFilter(text);
  if (parsed.ok) return text;
  const { at, length, message, known } = parsed.problem;
  const { didYouMean } = await import('../lib/suggest.ts');
  const near = didYouMean(text.slice(at, at + length), known);
  const list = known.length === 0 ? [] : [`  there are: ${known.join(' ')}`];
  const lines = [`--where: ${message}${near}`, ...excerpt(text, at, length), ...(near === '' ? list : [])];
  throw usageError(lines.join('\n'));
}

/** As much of the text as fits beside its margin in 80 columns, and carets under what is wrong. */
const ROOM = 76;
const BEFORE = 40;

function excerpt(text: string, at: number, length: number): string[] {
  const start = at + length <= ROOM ? 0 : Math.max(0, at - BEFORE);
  const shown = printable(text.slice(start, start + ROOM));
  const carets = '^'.repeat(Math.max(1, Math.min(length, ROOM - (at - start))));
  return [`  ${shown}`, `  ${' '.repeat(at - start)}${carets}`];
}

/** Tables for people: aligned columns, cut to the width of the terminal, safe to print whatever the cells hold. */

import { printable } from '../lib/printable.ts';

export interface Column<Row> {
  readonly header: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** May be cut when the terminal is too narrow, down to 8 characters. */
  readonly shrink?: boolean;
  /** Adds colour to a cell that is already cut and padded. */
  readonly paint?: (text: string, row: Row) => string;
}

export interface TableOptions {
  /** Infinity: nothing is cut. */
  readonly width: number;
  readonly paintHeader?: (text: string) => string;
}

const GAP = '  ';
const SHORTEST = 8;

/** Lines without the last line break. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, paintHeader = (text) => text }: TableOptions,
): string {
  const cells = rows.map((row) => columns.map((column) => cleanText(column.value(row))));
  const natural = columns.map((column, at) =>
    Math.max(textWidth(column.header), ...cells.map((line) => textWidth(line[at] ?? ''))),
  );
  const widths = fitted(columns, natural, width);
  const line = (texts: readonly string[], paint: (text: string, at: number) => string) =>
    texts
      .map((text, at) => {
        const last = at === columns.length - 1;
        const cut = cutText(text, widths[at] ?? 0);
        const pad = ' '.repeat(Math.max(0, (widths[at] ?? 0) - textWidth(cut)));
        return columns[at]?.align === 'right' ? pad + paint(cut, at) : paint(cut, at) + (last ? '' : pad);
      })
      .join(GAP)
      .trimEnd();
  return [
    line(
      columns.map((column) => column.header),
      paintHeader,
    ),
    ...cells.map((texts, row) =>
      line(texts, (text, at) => columns[at]?.paint?.(text, rows[row] as Row) ?? text),
    ),
  ].join('\n');
}

/** Takes what is too wide from the widest columns that may shrink. */
function fitted<Row>(columns: readonly Column<Row>[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  const total = () => widths.reduce((sum, each) => sum + each, 0) + GAP.length * (columns.length - 1);
  while (total() > width) {
    const widest = columns.reduce((best, column, at) => {
      const size = widths[at] ?? 0;
      return column.shrink === true && size > SHORTEST && size > (widths[best] ?? 0) ? at : best;
    }, -1);
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

const BREAKS = /\s*[\r\n\t]+\s*/g;

/** One line that a terminal shows as it stands: a line break is one blank. */
export const cleanText = (text: string): string => printable(text.replace(BREAKS, ' '));

/** The same for a text of several lines: line breaks stay. */
export const cleanLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => printable(line.replaceAll('\t', '  ')))
    .join('\n');

/** The same text in lines of at most `width` columns, broken at blanks; a longer word has a line of its own. */
export function wrapText(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => (textWidth(line) <= width ? [line] : wrapLine(line, width)));
}

function wrapLine(line: string, width: number): string[] {
  const found: string[] = [];
  for (const word of line.split(' ')) {
    const last = found.at(-1);
    if (last !== undefined && textWidth(last) + 1 + textWidth(word) <= width)
      found[found.length - 1] = `${last} ${word}`;
    else found.push(word);
  }
  return found;
}

/** At most `width` columns; what was cut is told by an ellipsis. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    used += textWidth(character);
    if (used > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Wide in a terminal: East Asian scripts and pictographs. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NARROW_ONLY = /^[\x20-\x7e]*$/;

/** Columns that the text takes in a terminal. */
export function textWidth(text: string): number {
  if (NARROW_ONLY.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += /\p{Mark}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

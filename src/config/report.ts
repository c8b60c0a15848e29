import { printable } from '../lib/printable.ts';
import type { Problem } from './problem.ts';
import { maskPasswords } from './secrets.ts';

const PROBLEM_LIMIT = 50;
const EXCERPT_LIMIT = 120;

/** A paragraph for each problem: place, severity, path, message; then the line of the file with a caret. */
export function formatReport(problems: readonly Problem[], text: string): string {
  const lines = maskPasswords(text).split(/\r?\n/);
  const shown = problems.slice(0, PROBLEM_LIMIT).map((problem) => formatProblem(problem, lines));
  const more = problems.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

function formatProblem(
  { file, line, column, width, path, severity, message }: Problem,
  lines: readonly string[],
): string {
  const place = line === null ? file : `${file}:${line}:${column}`;
  const head = printable(`${place}: ${severity}: ${path === '' ? '' : `${path}: `}${message}`);
  const source = line === null ? undefined : lines[line - 1];
  if (source === undefined || line === null || column === null || source.trim() === '') return head;
  const number = String(line).padStart(5);
  const from = column > EXCERPT_LIMIT - 20 ? column - 40 : 0;
  const excerpt = source.slice(from, from + EXCERPT_LIMIT);
  const indent = ' '.repeat(column - 1 - from);
  const carets = '^'.repeat(Math.max(1, Math.min(width, excerpt.length - indent.length)));
  return `${head}\n${number} | ${printable(excerpt)}\n${' '.repeat(number.length)} | ${indent}${carets}`;
}

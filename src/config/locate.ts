import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair } from 'yaml';
import type { ParsedFile } from './parse.ts';
import type { ConfigPath, Position } from './problem.ts';

/**
 * Where a path of the configuration stands in the file: its value, or with `at: 'key'` its key. Of a path that is not in
 * the file, the key of the nearest part that is; the first line when there is none.
 */
export function locate(
  { document, lines }: ParsedFile,
  path: ConfigPath,
  at: 'value' | 'key' = 'value',
): Position {
  let node: Node | null = document.contents;
  let key: Node | null = null;
  for (const [index, part] of path.entries()) {
    const step = child(document, node, part);
    if (step === null) return positionOf(lines, key ?? node);
    key = step.key ?? step.value;
    node = step.value;
    if (node === null && index < path.length - 1) return positionOf(lines, key);
  }
  return positionOf(lines, at === 'key' || isEmpty(node) ? (key ?? node) : node);
}

/** What a scalar at this path was written as, variables not replaced; null where none is. */
export function writtenAt({ document }: ParsedFile, path: ConfigPath): string | null {
  let node: Node | null = document.contents;
  for (const part of path) node = child(document, node, part)?.value ?? null;
  const scalar = isAlias(node) ? node.resolve(document) : node;
  return isScalar(scalar) ? (scalar.source ?? null) : null;
}

/** The place of a stretch of the text, given as offsets. */
export function positionAt(lines: ParsedFile['lines'], start: number, end: number): Position {
  const { line, col } = lines.linePos(start);
  return { line: Math.max(1, line), column: Math.max(1, col), width: Math.max(1, end - start) };
}

function child(
  document: Document.Parsed,
  parent: Node | null,
  part: PropertyKey,
): { key: Node | null; value: Node | null } | null {
  const node = isAlias(parent) ? (parent.resolve(document) ?? null) : parent;
  if (isSeq(node) && typeof part === 'number') {
    const item = node.items[part];
    return isNode(item) ? { key: null, value: item } : null;
  }
  if (!isMap(node)) return null;
  const pair = node.items.find(({ key }: Pair) => isScalar(key) && String(key.value) === String(part));
  if (pair === undefined) return null;
  return { key: isNode(pair.key) ? pair.key : null, value: isNode(pair.value) ? pair.value : null };
}

/** A value that is left out has no characters to point at. */
const isEmpty = (node: Node | null) =>
  node === null || (isScalar(node) && node.range?.[0] === node.range?.[1]);

function positionOf(lines: ParsedFile['lines'], node: Node | null): Position {
  const range = node?.range;
  if (range === undefined || range === null) return { line: 1, column: 1, width: 1 };
  const isCollection = isMap(node) || isSeq(node);
  return positionAt(lines, range[0], isCollection ? range[0] + 1 : range[1]);
}

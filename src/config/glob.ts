import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, parse, sep } from 'node:path';

/** Entries of folders that one search looks at before it gives up. */
const VISIT_LIMIT = 20_000;

export type GlobReply = { readonly files: readonly string[] } | { readonly problem: string };

/**
 * The files that an absolute pattern matches, sorted: `*` and `?` inside a name, `**` for any depth of folders. Wildcards
 * match neither names that begin with a dot nor `node_modules`; `**` does not follow links to folders.
 */
export function glob(pattern: string): GlobReply {
  const { root } = parse(pattern);
  const search = { left: VISIT_LIMIT, files: new Set<string>() };
  walk(
    root,
    pattern
      .slice(root.length)
      .split(sep)
      .filter((part) => part !== ''),
    search,
  );
  if (search.left < 0)
    return { problem: `more than ${VISIT_LIMIT} files to look through: name the folder more exactly` };
  return { files: [...search.files].sort((a, b) => (a < b ? -1 : 1)) };
}

interface Search {
  left: number;
  readonly files: Set<string>;
}

function walk(folder: string, parts: readonly string[], search: Search): void {
  const [part, ...rest] = parts;
  if (part === undefined || search.left < 0) return;
  if (part === '**') {
    walkAnyDepth(folder, rest, search);
    return;
  }
  for (const name of isWild(part) ? matching(folder, part, search) : [part]) {
    const path = join(folder, name);
    if (rest.length > 0) walk(path, rest, search);
    else if (isFile(path)) search.files.add(path);
  }
}

function walkAnyDepth(folder: string, rest: readonly string[], search: Search): void {
  walk(folder, rest.length === 0 ? ['*'] : rest, search);
  for (const entry of entriesOf(folder, search)) {
    if (entry.isDirectory() && isOrdinary(entry.name)) walkAnyDepth(join(folder, entry.name), rest, search);
  }
}

function matching(folder: string, part: string, search: Search): string[] {
  return entriesOf(folder, search)
    .map(({ name }) => name)
    .filter((name) => isOrdinary(name) && matches(part, name));
}

/** Takes time in proportion to the lengths, unlike a regular expression with many `.*`. */
function matches(part: string, name: string): boolean {
  let [at, from, star, retry] = [0, 0, -1, 0];
  while (from < name.length) {
    if (part[at] === '*') [star, retry, at] = [at, from, at + 1];
    else if (part[at] === '?' || part[at] === name[from]) [at, from] = [at + 1, from + 1];
    else if (star === -1) return false;
    else [at, from, retry] = [star + 1, retry + 1, retry + 1];
  }
  return /^\**$/.test(part.slice(at));
}

function entriesOf(folder: string, search: Search): Dirent[] {
  if (search.left < 0) return [];
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    search.left -= entries.length + 1;
    return search.left < 0 ? [] : entries;
  } catch {
    return []; // not a folder, or not ours to read: nothing in it matches
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const isWild = (part: string) => /[*?]/.test(part);
const isOrdinary = (name: string) => !name.startsWith('.') && name !== 'node_modules';

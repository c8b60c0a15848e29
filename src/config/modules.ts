import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { error, type Finding, warning } from './findings.ts';
import { glob } from './glob.ts';

/** The task modules that the patterns of a configuration name. */
export interface ModuleSearch {
  /** Absolute, sorted, each once. */
  readonly modules: readonly string[];
  readonly findings: readonly Finding[];
}

/**
 * Looks the patterns up (absolute, in the order of the file; null for what is none). Of a module that is there both compiled and as its source
 * the compiled file is taken, so that the same pattern works before and after a build.
 */
export function findModules(patterns: readonly (string | null)[]): ModuleSearch {
  const findings: Finding[] = [];
  const modules = new Set<string>();
  for (const [index, pattern] of patterns.entries()) {
    if (pattern === null) continue;
    const reply = glob(pattern);
    const found = 'problem' in reply ? [] : preferCompiled(reply.files.filter(isModule));
    if ('problem' in reply) findings.push(error(['tasks', index], reply.problem));
    else if (found.length === 0) findings.push(error(['tasks', index], `no task module matches ${pattern}`));
    for (const { path, source } of found) {
      modules.add(path);
      if (source === null || modifiedAt(source) <= modifiedAt(path)) continue;
      const message = `${basename(source)} is newer than ${basename(path)}, which is what runs: compile it`;
      findings.push(warning(['tasks', index], message));
    }
  }
  return { modules: [...modules].sort((a, b) => (a < b ? -1 : 1)), findings };
}

const isModule = (path: string) =>
  /\.[cm]?[jt]s$/.test(path) && !/\.d\.[cm]?ts$/.test(path) && !/\.test\.[cm]?[jt]s$/.test(path);

function preferCompiled(files: readonly string[]): { path: string; source: string | null }[] {
  const all = new Set(files);
  return files
    .filter((path) => !(isSource(path) && all.has(path.replace(/ts$/, 'js'))))
    .map((path) => {
      const source = path.replace(/js$/, 'ts');
      return { path, source: source !== path && all.has(source) ? source : null };
    });
}

const isSource = (path: string) => path.endsWith('ts');

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { error, type Finding, warning } from './findings.ts';
import type { Config } from './schema.ts';

/** Where the log is to go, and what is wrong with it. What nobody may look at is not judged. */
export function checkLogFile({ log, control }: Config): Finding[] {
  const { file } = log;
  // A daemon makes its control directory itself.
  if (file === undefined || dirname(file) === control.directory) return [];
  const problem = logFileProblem(file);
  if (problem !== null) return [error(['log', 'file'], problem)];
  return writable(file) ? [] : [warning(['log', 'file'], 'this user may not write there')];
}

/** Why no log can be kept at this absolute path; null when nothing speaks against it. */
export function logFileProblem(file: string): string | null {
  const folder = dirname(file);
  const found = typeOf(folder);
  if (found === 'nothing') return `there is no folder ${folder}: make it, or name another`;
  if (found === 'file' || found === 'other') return `${folder} is no folder`;
  const there = typeOf(file);
  if (there === 'folder') return 'that is a folder: name a file in it';
  return there === 'other' ? 'that is no regular file' : null;
}

type FileType = 'file' | 'folder' | 'other' | 'nothing' | 'unknown';

function typeOf(path: string): FileType {
  try {
    const found = statSync(path);
    if (found.isDirectory()) return 'folder';
    return found.isFile() ? 'file' : 'other';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'nothing' : 'unknown';
  }
}

function writable(file: string): boolean {
  try {
    accessSync(typeOf(file) === 'file' ? file : dirname(file), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

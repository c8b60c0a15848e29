import type { Environment } from './environment.ts';
import type { Finding } from './findings.ts';
import type { ConfigError } from './problem.ts';
import { SourceFile } from './source-file.ts';

/**
 * Findings that only somebody else could make, as the problems of a file that is good by itself, each at its place. The path
 * is absolute.
 * @throws ConfigError when the file can no longer be read.
 */
export function placedError(path: string, env: Environment, findings: readonly Finding[]): ConfigError {
  const file = new SourceFile(path);
  file.read(env);
  file.add(findings);
  return file.error();
}

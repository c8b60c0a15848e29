import { type Document, isPair, isScalar, isSeq, Scalar, visit } from 'yaml';
import type { ConfigPath } from './problem.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Interpolated = { readonly text: string } | { readonly problem: string };

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;

/**
 * Replaces `${NAME}` and `${NAME:-default}` (the default stands for an unset or empty variable). What a variable holds is
 * not looked into again. `$${` stands for `${`; any other `$` for itself.
 */
export function interpolate(text: string, env: Environment): Interpolated {
  let problem: string | null = null;
  const result = text.replace(
    REFERENCE,
    (match: string, name: string | undefined, fallback: string | undefined) => {
      if (match === '$${') return '${';
      if (name === undefined) {
        problem ??= `a variable is written \${NAME} or \${NAME:-default}, and \${ itself $\${`;
        return match;
      }
      const value = env[name];
      if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
      if (value === undefined)
        problem ??= `the environment variable ${name} is not set: set it, or write \${${name}:-default}`;
      return value ?? '';
    },
  );
  return problem === null ? { text: result } : { problem };
}

/** The first variable of a text that the environment gives a value for; null where none does. */
export function variableIn(text: string, env: Environment): string | null {
  for (const [, name, fallback] of text.matchAll(REFERENCE)) {
    if (name === undefined) continue;
    const value = env[name];
    if (value !== undefined && (value !== '' || fallback === undefined)) return name;
  }
  return null;
}

/**
 * Replaces variables in every value (not key) of a document. An unquoted value that becomes a number, `true` or `false`
 * is one then, as if it had been written so. Calls back with the path of what cannot be replaced.
 */
export function interpolateDocument(
  document: Document.Parsed,
  env: Environment,
  onProblem: (path: ConfigPath, message: string) => void,
): void {
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const result = interpolate(node.value, env);
      if ('problem' in result) onProblem(pathOf([...ancestors, node]), result.problem);
      else node.value = node.type === Scalar.PLAIN ? retyped(result.text) : result.text;
    },
  });
}

/** The path of the last of these, each of which holds the next. */
function pathOf(chain: readonly unknown[]): ConfigPath {
  return chain.flatMap((node, at): PropertyKey[] => {
    if (isPair(node)) return [isScalar(node.key) ? String(node.key.value) : String(node.key)];
    return isSeq(node) ? [node.items.indexOf(chain[at + 1])] : [];
  });
}

function retyped(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) && text.length < 16 ? Number(text) : text;
}

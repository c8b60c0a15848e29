import type { ConfigPath } from './problem.ts';

const SECRET = /pass|secret|token|key|credential|auth/i;

/**
 * A part of the configuration as it may be shown: passwords of URLs, and variables of workers whose name sounds like a
 * secret, are `***`. `path` is where the value stands; keys of objects below it count as well.
 */
export function withoutSecrets(path: ConfigPath, value: unknown): unknown {
  if (typeof value === 'string') return hidden(path, value);
  if (Array.isArray(value)) return value.map((item, index) => withoutSecrets([...path, index], item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withoutSecrets([...path, key], inner)]),
  );
}

/** Text in which URLs may stand, with stars in place of each character of their passwords: a caret below still fits. */
export const maskPasswords = (text: string): string =>
  text.replace(
    /(:\/\/[^\s/?#:@"']*:)([^\s"']*)@/g,
    (_, before: string, password: string) => `${before}${'*'.repeat(password.length)}@`,
  );

function hidden(path: ConfigPath, text: string): string {
  const isVariable = path[0] === 'pools' && path[2] === 'env';
  if (isVariable && SECRET.test(String(path[3])) && text !== '') return '***';
  return text.replace(/(:\/\/[^/?#:@]*):.*@/, '$1:***@');
}

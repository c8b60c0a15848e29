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

/**
 * Text in which URLs may stand, with stars in place of each character of their passwords: a caret below still fits. What
 * stands at a key `url` counts as one, also where it has lost its scheme.
 */
export const maskPasswords = (text: string): string =>
  PASSWORDS.reduce(
    (masked, pattern) =>
      masked.replace(
        pattern,
        (_, before: string, password: string) => `${before}${'*'.repeat(password.length)}@`,
      ),
    text,
  );

const PASSWORDS: readonly RegExp[] = [
  /(:\/\/[^\s/?#:@"']*:)([^\s"']*)@/g,
  /(\burl["']?[ \t]*:[ \t]*["']?(?:[a-z]+:\/\/(?:[^\s/?#:@"']*:)?)?)(.*)@/g,
  // As in `user:password@host`, wherever it stands.
  /([^\s/?#:@"']:)([^\s/"'][^\s"']*)@/g,
];

function hidden(path: ConfigPath, text: string): string {
  if (path.join('.') === 'broker.url') return withoutPassword(text);
  const isVariable = path[0] === 'pools' && path[2] === 'env';
  if (isVariable && SECRET.test(String(path[3])) && text !== '') return '***';
  return text.replace(/(:\/\/[^/?#:@]*):.*@/, '$1:***@');
}

/** Whatever stands before the last `@` is hidden, unless it is a scheme and a user: the URL may be a broken one. */
function withoutPassword(url: string): string {
  const at = url.lastIndexOf('@');
  const [, scheme = '', user = ''] = /^([a-z]+:\/\/)?([^/?#:@]*)/i.exec(url) ?? [];
  if (at < 0 || (scheme !== '' && scheme.length + user.length === at)) return url;
  const isUser = scheme !== '' && url[scheme.length + user.length] === ':';
  return `${scheme}${isUser ? `${user}:` : ''}***${url.slice(at)}`;
}

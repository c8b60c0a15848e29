/** What the parser of the command line says, in the words of this program: pure. */

const REWRITES: readonly (readonly [RegExp, (...parts: string[]) => string])[] = [
  [
    /^option '(?:-\w, )?(--[\w-]+)[^']*' argument '(.*)' is invalid\. Allowed choices are (.*)\.$/s,
    (_, option = '', given = '', choices = '') => oneOf(option, given, choices),
  ],
  [
    /^option '.*' value '(.*)' from env '(\w+)' is invalid\. Allowed choices are (.*)\.$/s,
    (_, given = '', variable = '', choices = '') => oneOf(variable, given, choices),
  ],
  [
    /^command-argument value '(.*)' is invalid for argument '(.*)'\. Allowed choices are (.*)\.$/s,
    (_, given = '', argument = '', choices = '') => oneOf(`<${argument}>`, given, choices),
  ],
  [
    /^option '(?:-\w, )?(--[\w-]+) (<.*>)' argument missing$/,
    (_, option = '', value = '') => `${option}: its value ${value} is missing`,
  ],
];

const oneOf = (what: string, given: string, choices: string) =>
  `${what}: ${JSON.stringify(given)} is none of ${choices}`;

/** Without the word `error:` and the end of the line; a text that needs no other words comes back as it is. */
export function plainParseError(text: string): string {
  const message = text.replace(/^error: /, '').trimEnd();
  for (const [pattern, rewrite] of REWRITES) {
    const match = pattern.exec(message);
    if (match !== null) return rewrite(...match);
  }
  return message;
}

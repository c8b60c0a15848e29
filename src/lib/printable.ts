/** Control characters, line breaks of every kind, and marks that turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** One line of text that does nothing to a terminal but print: each character of another kind becomes one blank. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, ' ');

/** JSON that is safe on a terminal and one line to every reader: what JSON leaves alone of these is escaped too. */
export const printableJson = (json: string): string =>
  json.replace(
    /[\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

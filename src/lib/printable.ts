/** Control characters, line breaks of every kind, and marks that turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** One line of text that does nothing to a terminal but print: each character of another kind becomes one blank. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, ' ');

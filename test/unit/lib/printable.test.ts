import assert from 'node:assert/strict';
import { printable } from '../../../src/lib/printable.ts';

describe('printable', () => {
  const table: [string, string, string][] = [
    ['an escape sequence', '\u001b[31mred', ' [31mred'],
    ['line breaks of every kind', 'a\r\nb\u2028c\u0085d', 'a  b c d'],
    ['marks that turn the direction of writing', 'a\u202eb\u2066c', 'a b c'],
    ['other letters and emoji', 'größe 東京 🚚', 'größe 東京 🚚'],
  ];
  for (const [what, text, expected] of table) {
    it(`keeps positions and blanks out what is not printed: ${what}`, () => {
      assert.equal(printable(text), expected);
    });
  }
});

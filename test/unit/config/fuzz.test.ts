// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables are among the pieces

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigError } from '../../../src/config/load.ts';
import { LEAST, TemporaryFolder } from './temporary-config.ts';

/** Pieces that YAML gives a meaning, so that random texts reach deep into the parser. */
const piece = fc.constantFrom(
  ...[
    'a',
    'version',
    'tasks',
    'pools',
    'io',
    'kind',
    'async',
    'queues',
    'broker',
    'redis',
    '1',
    '5s',
    '"',
    "'",
    '\\',
    '${',
    '${A}',
    '}',
  ],
  ...[
    ': ',
    ':',
    '- ',
    '? ',
    '[',
    ']',
    '{',
    ', ',
    '\n',
    '\n  ',
    '\n    ',
    ' ',
    '\t',
    '#',
    '&a ',
    '*a',
    '!',
    '!!str ',
    '|\n',
    '>-\n',
    '%',
    '---\n',
    '...\n',
    '<<: ',
    '~',
    '\r',
    '\u0000',
    '\ufeff',
    '__proto__',
    'constructor',
    '"\\ud800"',
    '\ud800',
    'é',
    '🚚',
  ],
);
const text = fc.array(piece, { maxLength: 300 }).map((pieces) => pieces.join(''));

/** One history for each run of the suite; another seed finds other texts. */
const SEED = 20_261_129;

/** The least configuration with a piece of it replaced. */
const damaged = fc
  .tuple(fc.nat(LEAST.length), fc.nat(20), text)
  .map(([at, length, insert]) => LEAST.slice(0, at) + insert + LEAST.slice(at + length));

describe('loadConfig on any text', () => {
  let folder: TemporaryFolder;
  before(() => {
    folder = new TemporaryFolder();
  });
  after(() => folder.remove());

  const endsWell = (content: string | Uint8Array) => {
    const start = performance.now();
    try {
      folder.load(content, { A: 'x: [y' });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      assert.ok(error.problems.length > 0, 'a refused file has a problem');
      for (const { line, column, message } of error.problems) {
        assert.ok(message !== '' && (line === null || line >= 1) && (column === null || column >= 1));
      }
    }
    const ms = performance.now() - start;
    assert.ok(ms < 5_000, `took ${ms} ms`);
  };

  it('returns or throws ConfigError, in bounded time, for texts made of YAML', () => {
    fc.assert(fc.property(text, endsWell), { seed: SEED, numRuns: 400 });
  });

  it('does so for damaged configurations', () => {
    fc.assert(fc.property(damaged, endsWell), { seed: SEED, numRuns: 400 });
  });

  it('does so for one piece repeated ten thousand times', () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 3 }), (pieces) =>
        endsWell(pieces.join('').repeat(10_000)),
      ),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('does so for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), endsWell), { seed: SEED, numRuns: 200 });
  });
});

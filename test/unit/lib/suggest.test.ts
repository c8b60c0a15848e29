import assert from 'node:assert/strict';
import { didYouMean, suggest } from '../../../src/lib/suggest.ts';

describe('suggest', () => {
  const table: [string, string[], string | null][] = [
    ['ulr', ['type', 'url', 'lease'], 'url'],
    ['proces', ['process', 'async'], 'process'],
    ['time_out', ['timeout', 'kill_after'], 'timeout'],
    ['KIND', ['kind', 'host'], 'kind'],
    ['etas', ['eta', 'location'], 'eta'],
    ['xyz', ['type', 'url'], null],
    ['a', ['b'], null],
    ['', ['kind'], null],
    ['anything', [], null],
    ['x'.repeat(100_000), ['kind'], null],
  ];
  for (const [word, candidates, near] of table) {
    it(`finds ${near ?? 'nothing'} for ${word.slice(0, 20) || 'an empty word'} among ${candidates.join(', ') || 'nothing'}`, () => {
      assert.equal(suggest(word, candidates), near);
    });
  }

  it('is put as a question', () => {
    assert.equal(didYouMean('ulr', ['url']), ', did you mean "url"?');
    assert.equal(didYouMean('xyz', ['url']), '');
  });
});

import assert from 'node:assert/strict';
import { maskPasswords, withoutSecrets } from '../../../src/config/secrets.ts';

describe('secrets of a configuration', () => {
  for (const [path, value, shown] of [
    [['broker', 'url'], 'redis://:pw@h/0', 'redis://:***@h/0'],
    [['broker', 'url'], 'redis://user:p@w:x@h/0', 'redis://user:***@h/0'],
    [['broker', 'url'], 'redis://h:6379/0', 'redis://h:6379/0'],
    [['broker', 'url'], 'redis://user@h', 'redis://user@h'],
    [['broker', 'url'], 'redis://p/w:x@h', 'redis://***@h'],
    [['broker', 'url'], 'default:p@w@h:6379', '***@h:6379'],
    [['broker', 'url'], 'redis:/user:pw@h', '***@h'],
    [['pools', 'io', 'env', 'API_TOKEN'], 'x', '***'],
    [['pools', 'io', 'env', 'CITY'], 'x', 'x'],
    [['pools', 'io'], { env: { API_TOKEN: 'x', CITY: 'y' } }, { env: { API_TOKEN: '***', CITY: 'y' } }],
    [['pools', 'io', 'env', 'DB'], 'pg://u:pw@h', 'pg://u:***@h'],
    [['tasks'], ['a', 7, null], ['a', 7, null]],
  ] as const) {
    it(`${path.join('.')} of ${JSON.stringify(value)} is shown as ${JSON.stringify(shown)}`, () => {
      assert.deepEqual(withoutSecrets(path, value), shown);
    });
  }

  for (const [text, shown] of [
    ['url: default:p@w@h:6379', 'url: ***********@h:6379'],
    ['{ url: "redis:/:p w@h", lease: 5s }', '{ url: "***********@h", lease: 5s }'],
    ["'url' : redis://u:p/w@h", "'url' : redis://u:***@h"],
    ['  default:p/w@h', '  default:***@h'],
    ['url: redis://h:6379/0', 'url: redis://h:6379/0'],
    ['mail: a@b', 'mail: a@b'],
  ] as const) {
    it(`are masked in the line ${JSON.stringify(text)}`, () => {
      assert.equal(maskPasswords(text), shown);
    });
  }

  it('keep their length in a text, so that what points into it still does', () => {
    assert.equal(
      maskPasswords('url: "redis://u:p/w@h" # see http://x:1'),
      'url: "redis://u:***@h" # see http://x:1',
    );
  });
});

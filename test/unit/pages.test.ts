import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const pages = [
  ...['README.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

describe('the pages', () => {
  for (const page of pages) {
    const text = readFileSync(join(ROOT, page), 'utf8');

    it(`${page} names tests that are there`, () => {
      for (const [, test = ''] of text.matchAll(
        /`((?:unit|contract|integration|simulation|chaos)\/[\w/-]+)`/g,
      )) {
        const path = join(ROOT, 'test', test);
        assert.ok(
          ['', '.ts', '.test.ts'].some((end) => existsSync(path + end)),
          test,
        );
      }
    });

    it(`${page} leads to files that are there`, () => {
      for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
        assert.ok(existsSync(join(dirname(join(ROOT, page)), target)), target);
    });
  }
});

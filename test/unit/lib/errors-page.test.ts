import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../support/with-supervisor.ts';

describe('docs/errors.md', () => {
  it('has a heading with a text for every code, and for no other', () => {
    const source = readFileSync(join(ROOT, 'src/lib/errors.ts'), 'utf8');
    const codes = [...source.matchAll(/^ {2}\| '(ERR_\w+)'/gm)].map(([, code]) => code);
    const page = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
    const headings = [...page.matchAll(/^### (ERR_\w+)\n\S/gm)].map(([, code]) => code);
    assert.ok(codes.length > 30);
    assert.deepEqual(headings, codes);
  });
});

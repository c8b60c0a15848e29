import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../../src/cli/exit.ts';
import { ROOT } from '../../support/with-supervisor.ts';

describe('docs/exit-codes.md', () => {
  it('tells every exit code, and no other', () => {
    const text = readFileSync(join(ROOT, 'docs/exit-codes.md'), 'utf8');
    const rows = [...text.matchAll(/^\| (\d+) \| `(\w+)` \| \S/gm)];
    assert.deepEqual(Object.fromEntries(rows.map(([, code, name]) => [name, Number(code)])), { ...EXIT });
  });
});

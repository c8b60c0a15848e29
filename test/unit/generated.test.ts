import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedFiles } from '../support/generated-files.ts';
import { ROOT } from '../support/with-supervisor.ts';

describe('generated files', () => {
  for (const [path, text] of generatedFiles()) {
    it(`${path} is what its source says now`, () => {
      const written = readFileSync(join(ROOT, path), 'utf8');
      assert.ok(written === text, `${path} is out of date: run "npm run generate" and commit it`);
    });
  }
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedFiles } from '../support/generated-files.ts';
import { ROOT } from '../support/with-supervisor.ts';

it('generated files are what their sources say now', async () => {
  for (const [path, text] of await generatedFiles()) {
    const written = readFileSync(join(ROOT, path), 'utf8');
    assert.ok(written === text, `${path} is out of date: run "npm run generate" and commit it`);
  }
});

/** `npm run generate`: writes the files that are made of the source. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedFiles } from './generated-files.ts';
import { ROOT } from './with-supervisor.ts';

for (const [path, text] of await generatedFiles()) {
  writeFileSync(join(ROOT, path), text);
  console.log(path);
}

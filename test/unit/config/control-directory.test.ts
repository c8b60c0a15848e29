import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { controlDirectoryOf } from '../../../src/config/control-directory.ts';
import { LEAST, TemporaryFolder } from './temporary-config.ts';

describe('the control directory of a file that may be wrong', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = new TemporaryFolder();
  });
  afterEach(() => folder.remove());

  const directoryOf = (text: string): string | null => {
    const path = join(folder.path, 'broken.yaml');
    writeFileSync(path, text);
    return controlDirectoryOf(path, { RUN: '/run/here' });
  };

  it('is the one that it names, or the default', () => {
    assert.equal(directoryOf(`${LEAST}control: { directory: here }\n`), join(folder.path, 'here'));
    assert.equal(directoryOf(`${LEAST}nonsense: 1\n`), join(folder.path, '../var'));
    assert.equal(directoryOf(`${LEAST}control: { directory: "\${RUN}" }\n`), '/run/here');
  });

  it('is found also where the file is no YAML, before the mistake or after it', () => {
    const control = 'control:\n  directory: here\n';
    for (const text of [`${control}bad: : x\n`, `bad: : x\n${control}`, `${control}list: [1, 2\n`])
      assert.equal(directoryOf(text), join(folder.path, 'here'), text);
    assert.equal(directoryOf('bad: : x\n'), join(folder.path, '../var'));
  });

  it('is not known where the file names none that could be one', () => {
    assert.equal(directoryOf(`${LEAST}control: { directory: 5 }\n`), null);
    assert.equal(directoryOf(`${LEAST}control: { directory: "\${NOWHERE}" }\n`), null);
  });
});

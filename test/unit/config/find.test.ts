import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ConfigError, findConfig } from '../../../src/config/load.ts';
import { TemporaryFolder } from './temporary-config.ts';

describe('findConfig', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = new TemporaryFolder();
  });
  afterEach(() => folder.remove());

  it('takes the flag first, then the environment, then the working directory', () => {
    const local = folder.write('config/supervisor.yaml');
    const cwd = folder.path;
    assert.equal(findConfig({ flag: 'a.yaml', env: { FORKLOOP_CONFIG: 'b.yaml' }, cwd }), 'a.yaml');
    assert.equal(findConfig({ env: { FORKLOOP_CONFIG: 'b.yaml' }, cwd }), 'b.yaml');
    assert.equal(findConfig({ env: { FORKLOOP_CONFIG: '' }, cwd }), local);
  });

  it('lists where it looked when there is none', () => {
    assert.throws(
      () => findConfig({ env: {}, cwd: folder.path }),
      (error: unknown) =>
        error instanceof ConfigError &&
        error.report.includes(join(folder.path, 'config/supervisor.yaml')) &&
        error.report.includes('/etc/forkloop/supervisor.yaml') &&
        error.report.includes('--config'),
    );
  });
});

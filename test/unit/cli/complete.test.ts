import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SCRIPTS } from '../../../src/cli/completion-scripts.ts';
import { runMain } from '../../support/run-main.ts';
import { TemporaryFolder } from '../config/temporary-config.ts';

const ROOT = new URL('../../../', import.meta.url).pathname;
const TEXT = `version: 1
tasks: [tasks.mjs]
pools: { io: { kind: async, queues: [mail, maps] }, cpu: { kind: process, queues: [geo] } }
schedules: { nightly: { task: geo.clean, every: 1h, queue: geo } }
`;
const TASKS = `
import { defineTask } from ${JSON.stringify(`${ROOT}src/index.ts`)};
console.log('loading');
export const a = defineTask('mail.send', { run() {} });
export const b = defineTask('geo.clean', { run() {} });
`;

describe('completion', () => {
  let folder: TemporaryFolder;
  before(() => {
    folder = new TemporaryFolder();
    folder.write('s.yaml', TEXT);
    folder.write('bad.yaml', 'version: 2');
    folder.write('tasks.mjs', TASKS);
  });
  after(() => folder.remove());

  const offered = async (...words: string[]) => {
    const { code, stdout } = await runMain(['__complete', '--', ...words], {}, folder.path);
    assert.equal(code, 0);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t')[0]);
  };

  for (const [words, expected] of [
    [['stat'], ['status']],
    [
      ['job', ''],
      ['show', 'list', 'wait', 'retry', 'delete', 'help'],
    ],
    [
      ['config', 's'],
      ['show', 'schema'],
    ],
    [['-c', 's.yaml', 'config', 'sh'], ['show']],
    [
      ['-o', ''],
      ['table', 'wide', 'json', 'ndjson', 'yaml'],
    ],
    [['status', '--output', 'j'], ['json']],
    [['status', '--output', '=', 'nd'], ['ndjson']],
    [['status', '--wa'], ['--watch']],
    [
      ['job', 'list', '--state', 'd'],
      ['delayed', 'dead'],
    ],
    [['job', 'list', '--soc'], ['--socket']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['completion', 'bash', ''], []],
    [['__'], []],
    [['-c', ''], []],
    [
      ['-c', 's.yaml', 'enqueue', ''],
      ['mail.send', 'geo.clean'],
    ],
    [
      ['enqueue', '-c', 's.yaml', 'mail.send', '--queue', 'ma'],
      ['mail', 'maps'],
    ],
    [['-c', 's.yaml', 'task', 'show', 'g'], ['geo.clean']],
    [['-c', 's.yaml', 'schedule', 'show', 'n'], ['nightly']],
    [
      ['-c', 's.yaml', 'queue', 'pause', 'm'],
      ['mail', 'maps'],
    ],
    [
      ['-c', 's.yaml', 'worker', 'restart', 'io', 'io'],
      ['io', 'io/0'],
    ],
    [['-c', 'bad.yaml', 'enqueue', ''], []],
    [['-c', 'missing.yaml', 'enqueue', ''], []],
  ] as const) {
    it(`offers ${expected.join(' ') || 'nothing'} after "${words.join(' ')}"`, async () => {
      assert.deepEqual(await offered(...words), expected);
    });
  }

  it('offers every visible command at the start, with what it does', async () => {
    const { stdout } = await runMain(['__complete', '--', '']);
    assert.match(stdout, /^status\twhat the daemon, its pools and its queues do$/m);
    assert.doesNotMatch(stdout, /__complete/);
    assert.doesNotMatch((await runMain('--help')).stdout, /__complete/);
  });

  it('bash completes with it', () => {
    const program = folder.write(
      'supervisor',
      `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'bin/supervisor')} "$@"\n`,
    );
    chmodSync(program, 0o755);
    const script = (line: string) => `
set -eu
${SCRIPTS.bash}
COMP_WORDS=(${line})
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
COMP_LINE="\${COMP_WORDS[*]}"
_forkloop supervisor "\${COMP_WORDS[COMP_CWORD]}" ""
printf '%s\\n' "\${COMPREPLY[@]}"
complete -p supervisor
`;
    for (const [line, expected] of [
      ['supervisor stat', ['status']],
      ["supervisor -c s.yaml job list --queue ''", ['mail', 'maps', 'geo']],
      ['supervisor --output = nd', ['ndjson']],
    ] as const) {
      const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', script(line)], {
        cwd: folder.path,
        encoding: 'utf8',
        env: { ...process.env, PATH: `${folder.path}${delimiter}${process.env['PATH']}` },
      });
      assert.equal(status, 0, stderr);
      assert.deepEqual(stdout.trimEnd().split('\n'), [
        ...expected,
        'complete -o default -F _forkloop supervisor',
      ]);
    }
  });

  for (const shell of ['zsh', 'fish'] as const) {
    it(`${shell} takes its script`, function () {
      const { error, status, stderr } = spawnSync(shell, ['-n'], { input: SCRIPTS[shell], encoding: 'utf8' });
      if (error !== undefined) {
        console.log(`      skipped: ${shell} is not installed`);
        return this.skip();
      }
      assert.equal(status, 0, stderr);
    });
  }
});

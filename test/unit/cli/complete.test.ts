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
    [['status', '--output=nd'], ['--output=ndjson']],
    [
      ['--config=s.yaml', 'job', 'list', '--queue=ma'],
      ['--queue=mail', '--queue=maps'],
    ],
    [['status', '--watch=x'], []],
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

  /** What the shell offers, sorted, when the program is found by its name. */
  const completed = (shell: string, script: string): string[] | null => {
    const program = folder.write(
      'supervisor',
      `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'bin/supervisor')} "$@"\n`,
    );
    chmodSync(program, 0o755);
    folder.write('script', script);
    const { error, status, stdout, stderr } = spawnSync(
      shell,
      [...(WITHOUT_SETTINGS[shell] ?? []), 'script'],
      {
        cwd: folder.path,
        encoding: 'utf8',
        env: {
          ...process.env,
          HOME: folder.path,
          XDG_CONFIG_HOME: folder.path,
          XDG_DATA_HOME: folder.path,
          PATH: `${folder.path}${delimiter}${process.env['PATH']}`,
        },
      },
    );
    if (error !== undefined) return null;
    assert.deepEqual([status, stderr], [0, '']);
    return stdout.split('\n').filter((line) => line !== '');
  };

  const WITHOUT_SETTINGS: Readonly<Record<string, readonly string[]>> = {
    bash: ['--norc'],
    zsh: ['-f'],
    fish: ['--no-config'],
  };

  const LINES = [
    ['supervisor stat', ['status']],
    ["supervisor -c s.yaml job list --queue ''", ['mail', 'maps', 'geo']],
  ] as const;

  it('bash completes with it', () => {
    for (const [line, expected] of [...LINES, ['supervisor --output = nd', ['ndjson']]] as const) {
      const offers = completed(
        'bash',
        `
set -eu
${SCRIPTS.bash}
COMP_WORDS=(${line})
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
COMP_LINE="\${COMP_WORDS[*]}"
_forkloop supervisor "\${COMP_WORDS[COMP_CWORD]}" ""
printf '%s\\n' "\${COMPREPLY[@]}"
complete -p supervisor
`,
      );
      assert.deepEqual(offers, [...expected, 'complete -o default -F _forkloop supervisor']);
    }
  });

  it('zsh completes with it', function () {
    for (const [line, expected] of [...LINES, ['supervisor --output=nd', ['--output=ndjson']]] as const) {
      // The parts of its completion system that the script calls.
      const offers = completed(
        'zsh',
        `
compdef() { true }
_files() { print -r -- FILES }
_describe() { print -rl -- "\${(@)\${(P)2}}" }
${SCRIPTS.zsh}
words=(${line})
CURRENT=$#words
_forkloop
`,
      );
      if (offers === null) return skip(this, 'zsh');
      const names = offers.map((each) => each.split(':')[0]);
      assert.deepEqual(names, expected);
    }
  });

  it('fish completes with it', function () {
    const lines = [
      ...LINES.map(([line, expected]) => [line.replace("''", ''), expected] as const),
      ['supervisor --output=nd', ['--output=ndjson']] as const,
    ];
    for (const [line, expected] of lines) {
      const offers = completed('fish', `${SCRIPTS.fish}\ncomplete -C '${line}'\n`);
      if (offers === null) return skip(this, 'fish');
      assert.deepEqual(new Set(offers.map((each) => each.split('\t')[0])), new Set(expected));
      assert.equal(offers.length, expected.length);
    }
  });
});

function skip(test: Mocha.Context, shell: string): void {
  console.log(`      skipped: ${shell} is not installed`);
  test.skip();
}

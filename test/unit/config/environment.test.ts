// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the variables under test

import assert from 'node:assert/strict';
import { interpolate } from '../../../src/config/environment.ts';
import { LEAST, TemporaryFolder } from './temporary-config.ts';

const env = { HOST: 'redis.local', EMPTY: '', TRICK: '${HOST}' };

describe('interpolate', () => {
  const table: [string, string][] = [
    ['plain', 'plain'],
    ['${HOST}', 'redis.local'],
    ['redis://${HOST}:${PORT:-6379}/0', 'redis://redis.local:6379/0'],
    ['${NOT_SET:-}', ''],
    ['${EMPTY:-instead}', 'instead'],
    ['<${EMPTY}>', '<>'],
    ['${NOT_SET:-../var}/forkloop.db', '../var/forkloop.db'],
    ['$HOST $ 5$', '$HOST $ 5$'],
    ['$${HOST}', '${HOST}'],
    ['${TRICK}', '${HOST}'],
  ];
  for (const [text, expected] of table) {
    it(`makes ${JSON.stringify(expected)} of ${JSON.stringify(text)}`, () => {
      assert.deepEqual(interpolate(text, env), { text: expected });
    });
  }

  const wrong: [string, RegExp][] = [
    ['${NOT_SET}', /NOT_SET is not set/],
    ['${', /is written/],
    ['${HOST', /is written/],
    ['${HOST-x}', /is written/],
    ['${1X}', /is written/],
    ['${}', /is written/],
  ];
  for (const [text, message] of wrong) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const result = interpolate(text, env);
      assert.match('problem' in result ? result.problem : '', message);
    });
  }
});

describe('variables in a configuration', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = new TemporaryFolder();
  });
  afterEach(() => folder.remove());

  it('become numbers where they stand unquoted, and stay texts in quotes', () => {
    const text = `${LEAST}name: "\${NUMBER}"\ndefaults: { timeout: "\${TIME:-3s}" }\n`.replace(
      'queues: [eta]',
      'queues: [eta], concurrency: "x"',
    );
    const loaded = folder.load(
      text.replace(
        '  io: { kind: async, queues: [eta], concurrency: "x" }',
        '  io:\n    kind: async\n    queues: [eta]\n    concurrency: ${NUMBER}',
      ),
      { NUMBER: '7' },
    );
    assert.equal(loaded.config.name, '7');
    const pool = loaded.config.pools['io'];
    assert.equal(pool?.kind === 'async' ? pool.concurrency : null, 7);
    assert.equal(loaded.config.defaults.timeout, 3_000);
  });

  it('are told once, with their path, when they are not set', () => {
    const { report } = folder.refuse(
      `${LEAST}routes:\n  - task: a\n    queue: \${QUEUE_NAME}\nshutdown:\n  drain_timeout: \${DRAIN}\n`,
    );
    assert.match(
      report,
      /^s\.yaml:7:12: error: routes\[0\]\.queue: the environment variable QUEUE_NAME is not set/,
    );
    assert.equal(report.match(/error:/g)?.length, 2);
    assert.match(
      report,
      /s\.yaml:9:18: error: shutdown\.drain_timeout: the environment variable DRAIN is not set/,
    );
  });

  it('never become structure, whatever they hold', () => {
    const loaded = folder.load(`${LEAST}name: \${NAME}\n`, { NAME: 'a: [b, {c: d}] # e' });
    assert.equal(loaded.config.name, 'a: [b, {c: d}] # e');
  });
});

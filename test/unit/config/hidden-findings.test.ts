import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig } from '../../../src/config/load.ts';

/** Path and message of every problem. */
function problems(text: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'fl-'));
  try {
    writeFileSync(join(folder, 'task.js'), '');
    writeFileSync(join(folder, 's.yaml'), `version: 1\ntasks: [task.js]\n${text}`);
    loadConfig({ path: join(folder, 's.yaml'), env: {} });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, line, message }) => `${line} ${path}: ${message}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a report of all mistakes at once', () => {
  it('looks behind a misspelt kind', () => {
    const found = problems(
      'pools:\n  a:\n    kind: procss\n    workers: many\n    queue: [a]\n    timeout: 30\n',
    );
    assert.deepEqual(found, [
      '5 pools.a.kind: "procss" is not process | async, did you mean "process"?',
      '6 pools.a.workers: "many": write auto or a whole number from 1 to 1024',
      '7 pools.a.queue: unknown key, did you mean "queues"?',
      '8 pools.a.timeout: 30 has no unit, write 30s or 30ms',
    ]);
  });

  it('looks behind a misspelt type of broker', () => {
    const pools = 'pools: { a: { kind: async, queues: [a] } }\n';
    const found = problems(`broker: { type: reddis, url: localhost }\n${pools}`);
    assert.equal(found.length, 2);
    assert.match(found[1] ?? '', /broker\.url: "localhost": write redis:/);
  });

  it('says once that a variable in braces must be quoted', () => {
    const found = problems(
      'defaults: { timeout: ${T}, kill_after: 5s }\npools: { a: { kind: async, queues: [a] } }\n',
    );
    assert.deepEqual(found, ['3 : a variable inside { } or [ ] must be quoted, as in "${NAME}"']);
  });
});

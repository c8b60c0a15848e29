import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { memoryOf, useOf } from '../../../src/supervisor/memory-use.ts';

/** Descriptors of this process by which it looks at another. */
function looksAt(pid: number): number {
  const paths = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // the one by which the folder was read
    }
  });
  return paths.filter((path) => path === `/proc/${pid}/stat`).length;
}

describe('what processes use', () => {
  it('is asked with one descriptor for a process, however many ask at once', async () => {
    const child = spawn('sleep', ['60']);
    try {
      const pid = child.pid as number;
      const uses = await Promise.all([
        useOf([pid]),
        memoryOf([pid]),
        useOf([pid, pid]),
        useOf([process.pid, pid]),
      ]);
      assert.ok(uses.every((use) => use.has(pid)));
      assert.equal(looksAt(pid), 1);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('leaves out a process that is gone', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    const use = await useOf([process.pid, child.pid as number]);
    assert.deepEqual([...use.keys()], [process.pid]);
  });
});

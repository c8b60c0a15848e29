import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { memoryOf, useOf } from '../../../src/supervisor/memory-use.ts';
import { parseResident } from '../../../src/supervisor/resident-memory.ts';

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
      const uses = await Promise.all([useOf([pid]), useOf([pid, pid]), useOf([process.pid, pid])]);
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
    const memory = await memoryOf([process.pid, child.pid as number]);
    assert.deepEqual([...memory.keys()], [process.pid]);
  });

  it('is the same resident memory, whoever is asked', async () => {
    const child = spawn('sleep', ['60']);
    try {
      const pid = child.pid as number;
      await once(child, 'spawn');
      await pause(100); // until it is the other program
      const [memory, use] = [await memoryOf([pid]), await useOf([pid])];
      // The kernel counts pages in batches: the two may differ by some.
      assert.ok(Math.abs((memory.get(pid) ?? 0) - (use.get(pid)?.rss ?? 0)) < 512 * 1024);
      assert.ok((memory.get(pid) ?? 0) > 0);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('is not told of a process without memory', () => {
    assert.equal(parseResident('Name:\tkthreadd\nVmPeak:\t 12 kB\nVmRSS:\t    2048 kB\n'), 2048 * 1024);
    assert.equal(parseResident('Name:\tnode\nState:\tZ (zombie)\n'), null);
  });
});

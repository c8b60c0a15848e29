import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.ts';
import { acquireInstanceLock } from '../../../src/supervisor/instance-lock.ts';
import { bootId, readNote, writeNote } from '../../../src/supervisor/predecessor.ts';

describe('the note of a predecessor', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Locks the directory and leaves a note, as a daemon does. */
  async function live(directory: string) {
    const lock = await acquireInstanceLock(directory, systemClock);
    const note = { bootId: bootId(), lock: lock.identity, run: 'r', pid: process.pid, sessions: { q: 'd' } };
    writeNote(directory, note);
    return { lock, note };
  }

  it('is read by who holds the same lock after it', async () => {
    const { lock, note } = await live(folder);
    lock.release();
    const next = await acquireInstanceLock(folder, systemClock);
    assert.deepEqual(readNote(folder, next.identity), note);
    next.release();
  });

  it('proves nothing in a copied directory: its daemon may live', async () => {
    const { lock } = await live(join(folder, 'a'));
    await cp(join(folder, 'a'), join(folder, 'b'), { recursive: true });
    const other = await acquireInstanceLock(join(folder, 'b'), systemClock);
    assert.equal(readNote(join(folder, 'b'), other.identity), null);
    other.release();
    lock.release();
  });

  it('proves nothing when the lock was removed and made anew', async () => {
    const { lock } = await live(folder);
    await unlink(join(folder, 'forkloop.lock'));
    const other = await acquireInstanceLock(folder, systemClock);
    assert.equal(readNote(folder, other.identity), null);
    other.release();
    lock.release();
  });

  it('proves nothing after another boot, and when it names no sessions', async () => {
    const { lock, note } = await live(folder);
    for (const wrong of [{ bootId: 'other' }, { sessions: null }]) {
      writeNote(folder, { ...note, ...(wrong as object) });
      assert.equal(readNote(folder, lock.identity), null);
    }
    lock.release();
  });
});

import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { validate, version } from 'uuid';
import { idMaker, newId } from '../../../src/lib/ids.ts';

const fill = (bytes: Uint8Array) => void randomFillSync(bytes);

describe('ids', () => {
  it('are UUIDs of version 7, each above the one before, also within a millisecond', () => {
    const ids = Array.from({ length: 5_000 }, () => newId());
    assert(ids.every((id) => validate(id) && version(id) === 7));
    assert.deepEqual(ids, [...new Set(ids)].sort());
  });

  it('tell when they were made', () => {
    const id = idMaker({ now: () => 0x0123456789ab, fill })();
    assert.equal(id.slice(0, 13), '01234567-89ab');
  });

  it('rise while the clock stands still or is set back', () => {
    let now = 2_000;
    const next = idMaker({ now: () => now, fill });
    const ids = [next(), next()];
    now = 1_000;
    ids.push(next(), next());
    assert.deepEqual(ids, [...new Set(ids)].sort());
  });

  it('rise from the largest sequence on, into the next millisecond', () => {
    const next = idMaker({ now: () => 1_000, fill: (bytes) => void bytes.fill(0xff) });
    const ids = Array.from({ length: 1_000 }, () => next());
    assert.deepEqual(ids, [...new Set(ids)].sort());
  });

  it('of two makers never meet', () => {
    const [a, b] = [idMaker({ now: () => 1, fill }), idMaker({ now: () => 1, fill })];
    const ids = Array.from({ length: 1_000 }, () => [a(), b()]).flat();
    assert.equal(new Set(ids).size, ids.length);
  });
});

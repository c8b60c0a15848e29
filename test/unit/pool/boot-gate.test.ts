import assert from 'node:assert/strict';
import { BootGate } from '../../../src/pool/boot-gate.ts';

describe('BootGate', () => {
  it('lets so many begin at once, the others in order as turns come back', () => {
    const gate = new BootGate(2);
    const begun: number[] = [];
    const leave = [1, 2, 3, 4].map((number) => gate.enter(() => begun.push(number)));
    assert.deepEqual(begun, [1, 2]);
    leave[1]?.();
    leave[1]?.();
    assert.deepEqual(begun, [1, 2, 3]);
    leave[0]?.();
    assert.deepEqual(begun, [1, 2, 3, 4]);
  });

  it('forgets one that gives up while it waits', () => {
    const gate = new BootGate(1);
    const begun: string[] = [];
    const first = gate.enter(() => begun.push('first'));
    const second = gate.enter(() => begun.push('second'));
    gate.enter(() => begun.push('third'));
    second();
    first();
    assert.deepEqual(begun, ['first', 'third']);
  });
});

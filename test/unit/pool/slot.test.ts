import assert from 'node:assert/strict';
import { emptySlot, missingSlots, type Slot, surplusSlots } from '../../../src/pool/slot.ts';
import type { WorkerHandle } from '../../../src/pool/worker-handle.ts';

type State = WorkerHandle['state'] | null;

function slot(index: number, state: State): Slot {
  const inside = new Map(state === 'busy' ? [['token', null]] : []);
  return {
    ...emptySlot(index),
    worker: state === null ? null : ({ state, inside } as unknown as WorkerHandle),
  };
}

describe('surplusSlots', () => {
  const TABLE: readonly [string, readonly State[], number, readonly number[]][] = [
    ['none where there are enough places', ['ready', 'ready'], 2, []],
    ['the highest of equals', ['ready', 'ready', 'ready'], 1, [2, 1]],
    ['the idle before the busy', ['ready', 'busy', 'busy'], 2, [0]],
    ['those that start before those that wait', ['ready', 'starting', 'ready'], 2, [1]],
    ['the empty and the leaving before all', [null, 'starting', 'draining', 'ready'], 2, [2, 0]],
  ];
  for (const [what, states, size, expected] of TABLE) {
    it(what, () => {
      const slots = states.map((state, index) => slot(index, state));
      assert.deepEqual(
        surplusSlots(slots, size).map(({ index }) => index),
        expected,
      );
    });
  }
});

describe('missingSlots', () => {
  it('fills the gaps first', () => {
    const slots = [0, 2, 5].map((index) => slot(index, 'ready'));
    assert.deepEqual(
      missingSlots(slots, 6).map(({ index }) => index),
      [1, 3, 4],
    );
    assert.deepEqual(missingSlots(slots, 2), []);
  });
});

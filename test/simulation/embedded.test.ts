import assert from 'node:assert/strict';
import { simulate } from './simulate.ts';
import { StoreDisk } from './store-disk.ts';

const GROUP = 20;

describe('the simulation of many processes, a faulty network and the embedded store', () => {
  let disk: StoreDisk;

  before(() => {
    disk = new StoreDisk();
  });

  after(() => {
    disk[Symbol.dispose]();
  });

  it('has one history for one seed', async function () {
    this.timeout(60_000);
    const [once, again] = [await simulate({ seed: 3, on: disk }), await simulate({ seed: 3, on: disk })];
    assert.deepEqual(again, once);
    assert(once.operations > 100);
  });

  for (let first = 1; first <= 100; first += GROUP) {
    it(`finds no violation in a store that dies, seeds ${first} to ${first + GROUP - 1}`, async function () {
      this.timeout(180_000);
      for (let seed = first; seed < first + GROUP; seed++) {
        const { violation } = await simulate({ seed, on: disk });
        const replay = `npm run simulate -- --broker embedded --first ${seed} --seeds 1 --trace`;
        assert.equal(violation, null, `${replay}: ${violation?.message}`);
      }
    });
  }
});

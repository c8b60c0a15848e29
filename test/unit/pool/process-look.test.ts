import assert from 'node:assert/strict';
import { lookAtProcess, parseStat } from '../../../src/pool/process-look.ts';

const stat = (name: string, state: string) =>
  `4711 (${name}) ${state} 1 4711 4711 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 11 0 8000 0 0`;

describe('a look at a process', () => {
  it('tells processor time and whether it is stopped, whatever its name', () => {
    for (const [name, state, stopped] of [
      ['node', 'R', false],
      ['forkloop cpu/0', 'S', false],
      ['a) T 1 (b', 'S', false],
      ['node', 'T', true],
      ['node', 't', true],
    ] as const)
      assert.deepEqual(parseStat(stat(name, state)), { stopped, cpuTicks: 300 }, `${name} ${state}`);
    assert.equal(parseStat(''), null);
  });

  it('says nothing of a process that is not there', () => {
    assert.equal(lookAtProcess(0x7fff_ffff), null);
  });
});

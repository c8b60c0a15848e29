import assert from 'node:assert/strict';
import { type Arrival, burst, idealTimes, openLoad } from '../../../bench/src/measure/mixed-load.ts';
import { oneLoopTimes } from '../../../bench/src/measure/one-loop.ts';
import { mean } from '../../../bench/src/measure/quantile.ts';

const of = (kind: Arrival['kind'], load: readonly Arrival[]) => load.filter((one) => one.kind === kind);

describe("the benchmark's mixed load", () => {
  it('is the same for the same seed, another for another', () => {
    assert.deepEqual(openLoad(7, 20), openLoad(7, 20));
    assert.notDeepEqual(openLoad(7, 20), openLoad(8, 20));
    assert.deepEqual(burst(7, 60, 600), burst(7, 60, 600));
  });

  it('has the rates of the use case within its time, in the order of time', () => {
    const load = openLoad(1, 20);
    assert.equal(of('cpu', load).length, 213);
    assert.equal(of('io', load).length, 1_216);
    assert.ok(load.every(({ atMs }, index) => atMs >= (load[index - 1]?.atMs ?? 0) && atMs <= 20_000));
  });

  it('mixes the kinds of a burst', () => {
    const kinds = burst(1, 60, 600).map(({ kind }) => kind);
    assert.equal(kinds.filter((kind) => kind === 'cpu').length, 60);
    assert.ok(kinds.indexOf('cpu') < 100 && kinds.lastIndexOf('cpu') > 560);
  });

  it('has as its ideal that CPU jobs wait for a core in turn, I/O jobs only for a slot', () => {
    const at = (kind: Arrival['kind'], atMs: number): Arrival => ({ kind, atMs });
    const load = [at('cpu', 0), at('cpu', 0), at('io', 0), at('cpu', 10), at('io', 10), at('cpu', 500)];
    assert.deepEqual(idealTimes(load, 2, 2), [100, 100, 200, 190, 200, 100]);
    assert.deepEqual(idealTimes(load, 1, 1), [100, 200, 200, 290, 390, 100]);
    assert.deepEqual(idealTimes(load, 2, 2, [50, 100, 20, 60, 70, 80]), [50, 100, 20, 100, 70, 80]);
  });

  it('on one event loop waits for each CPU job that got ready before', () => {
    const at = (kind: Arrival['kind'], atMs: number): Arrival => ({ kind, atMs });
    const load = [at('io', 0), at('cpu', 50), at('io', 60), at('cpu', 190), at('cpu', 195), at('io', 500)];
    assert.deepEqual(oneLoopTimes(load, 'in order'), [390, 100, 330, 100, 195, 200]);
  });

  it('on one event loop can let what waits go first', () => {
    const at = (kind: Arrival['kind'], atMs: number): Arrival => ({ kind, atMs });
    const load = [at('io', 0), at('cpu', 50), at('io', 60), at('cpu', 190), at('cpu', 195), at('io', 500)];
    assert.deepEqual(oneLoopTimes(load, 'waits first'), [290, 100, 330, 100, 195, 200]);
  });

  it('of 60 CPU and 600 I/O jobs at once takes 777 ms on average on two cores and 100 slots', () => {
    assert.equal(Math.round(mean(idealTimes(burst(1, 60, 600), 2, 100))), 777);
  });
});

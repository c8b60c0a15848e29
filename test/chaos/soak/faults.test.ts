import assert from 'node:assert/strict';
import { RuleBook } from '../faults.ts';
import { type SoakFault, soakFaults } from './faults.ts';

const first = (count: number, options: Parameters<typeof soakFaults>[0]): SoakFault[] => {
  const faults = soakFaults(options);
  return Array.from({ length: count }, () => faults.next().value);
};

describe('the faults of a soak', () => {
  for (const broker of ['redis', 'embedded'] as const) {
    const some = first(500, { seed: 7, broker, canFill: true });

    it(`${broker}: come every 5 to 20 s, the same from the same seed`, () => {
      assert.ok(some.every(({ afterMs }) => afterMs >= 5_000 && afterMs <= 20_000));
      assert.deepEqual(first(500, { seed: 7, broker, canFill: true }), some);
    });

    it(`${broker}: never kill the first daemon, but disturb it`, () => {
      const of = (daemon: number) =>
        new Set(some.flatMap(({ rule }) => ('daemon' in rule && rule.daemon === daemon ? [rule.do] : [])));
      assert.ok(!of(0).has('kill_daemon') && !of(0).has('restart_daemon'));
      assert.ok(of(0).has('stop_daemon') && of(0).has('kill_child'));
      assert.ok(of(1).has('kill_daemon') && of(1).has('restart_daemon'));
    });

    it(`${broker}: lose no data`, () => {
      assert.ok(some.every(({ rule }) => rule.do !== 'lose_redis' && rule.do !== 'rollback'));
    });
  }

  it('fill no disk where none can be mounted', () => {
    const some = first(500, { seed: 7, broker: 'embedded', canFill: false });
    assert.ok(some.every(({ rule }) => rule.do !== 'full'));
  });

  it('wait for the next request, however many there were', () => {
    const rules = new RuleBook([]);
    for (let i = 0; i < 5; i++) rules.meet('exchange', 'daemon0');
    rules.add({ on: 'exchange', nth: 1, do: 'cut' });
    assert.equal(rules.meet('heartbeat', 'daemon0').length, 0);
    assert.equal(rules.meet('exchange', 'daemon0').length, 1);
    assert.equal(rules.meet('exchange', 'daemon0').length, 0);
  });
});

import assert from 'node:assert/strict';
import { help, parseOptions } from '../../../bench/src/options.ts';

describe("the benchmark's options", () => {
  const known = ['mixed', 'scale'];

  it('name suites and where the results go', () => {
    assert.deepEqual(parseOptions(['scale', '--quick', '--out', 'there', '--rounds', '2'], known), {
      suites: ['scale'],
      quick: true,
      rounds: 2,
      out: 'there',
      seed: 1,
    });
    assert.equal(parseOptions(['-h'], known), 'help');
    assert.match(help(known), /mixed, scale/);
  });

  it('are refused in words when they say nothing', () => {
    assert.throws(() => parseOptions(['scales'], known), /no suite "scales": there are mixed, scale/);
    for (const rounds of ['0', '1.5', '', 'two'])
      assert.throws(
        () => parseOptions([`--rounds=${rounds}`], known),
        /--rounds .*: write a whole number from 1/,
      );
    assert.throws(() => parseOptions(['--quickly'], known), /--quickly/);
  });
});

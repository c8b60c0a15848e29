import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  formatBytes,
  formatDuration,
  parseBytes,
  parseDuration,
  parsePercent,
} from '../../../src/lib/units.ts';

describe('parseDuration', () => {
  const table: [string, number | null][] = [
    ['0s', 0],
    ['250ms', 250],
    ['1s', 1_000],
    ['1.5h', 5_400_000],
    ['5m', 300_000],
    ['14d', 1_209_600_000],
    ['0.5ms', 1],
    ['5', null],
    ['', null],
    ['s', null],
    ['1h30m', null],
    ['5 s', null],
    [' 5s', null],
    ['5s\n', null],
    ['-1s', null],
    ['+1s', null],
    ['1e3s', null],
    ['.5s', null],
    ['1.s', null],
    ['5S', null],
    ['5sec', null],
    ['5constructor', null],
    ['99999999999999d', null],
    ['٣s', null],
  ];
  for (const [text, ms] of table) {
    it(`takes ${JSON.stringify(text)} for ${ms === null ? 'no duration' : `${ms} ms`}`, () => {
      assert.equal(parseDuration(text), ms);
    });
  }

  it('answers a safe whole number or null for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.smhd -+e') }), (text) => {
        const ms = parseDuration(text);
        assert.ok(ms === null || (Number.isSafeInteger(ms) && ms >= 0));
      }),
    );
  });
});

describe('parseBytes', () => {
  const table: [string, number | null][] = [
    ['0B', 0],
    ['512KiB', 524_288],
    ['1.5GiB', 1_610_612_736],
    ['1MiB', 1_048_576],
    ['512M', null],
    ['1MB', null],
    ['1,5MiB', null],
    ['1mib', null],
    ['12', null],
  ];
  for (const [text, bytes] of table) {
    it(`takes ${JSON.stringify(text)} for ${bytes === null ? 'no size' : `${bytes} bytes`}`, () => {
      assert.equal(parseBytes(text), bytes);
    });
  }
});

describe('parsePercent', () => {
  const table: [string, number | null][] = [
    ['0%', 0],
    ['20%', 0.2],
    ['12.5%', 0.125],
    ['100%', 1],
    ['101%', null],
    ['20', null],
    ['0.2', null],
    ['-5%', null],
    ['20 %', null],
  ];
  for (const [text, share] of table) {
    it(`takes ${JSON.stringify(text)} for ${share === null ? 'no percentage' : share}`, () => {
      assert.equal(parsePercent(text), share);
    });
  }
});

describe('formatDuration', () => {
  const table: [number, string][] = [
    [0, '0ms'],
    [340, '340ms'],
    [2_500, '2.5s'],
    [60_000, '1m'],
    [200_000, '3m 20s'],
    [14_700_000, '4h 5m'],
    [176_400_000, '2d 1h'],
  ];
  for (const [ms, text] of table) {
    it(`shows ${ms} ms as ${text}`, () => {
      assert.equal(formatDuration(ms), text);
    });
  }
});

describe('formatBytes', () => {
  const table: [number, string][] = [
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1 KiB'],
    [1_258_291, '1.2 MiB'],
    [3 * 1024 ** 3, '3 GiB'],
  ];
  for (const [bytes, text] of table) {
    it(`shows ${bytes} bytes as ${text}`, () => {
      assert.equal(formatBytes(bytes), text);
    });
  }
});

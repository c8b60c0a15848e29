import assert from 'node:assert/strict';
import { encodeJob, HEADER_LENGTH, isRecord } from '../../../src/broker/job-record.ts';
import { newId } from '../../../src/lib/ids.ts';

const HEADER = /^1[\da-f-]{36}\d{15}[\da-f]\d{24}/i;

describe('the look at a record', () => {
  const record = encodeJob({
    id: newId(),
    task: 'noop',
    priority: 5,
    keepResult: true,
    expiresAt: 0,
    unique: 'key',
    options: {},
    input: 'null',
  });

  it('knows what was written as one', () => {
    assert.equal(isRecord(record), true);
    assert.equal(isRecord(record.slice(0, HEADER_LENGTH)), true);
  });

  it('finds whatever stands in the header in place of what belongs there', () => {
    for (let at = 0; at < HEADER_LENGTH; at++) {
      for (const other of ['0', '1', '9', ':', '/', 'a', 'F', 'g', 'G', '`', '@', '-', ' ', 'é', '\0']) {
        const spoiled = record.slice(0, at) + other + record.slice(at + 1);
        assert.equal(isRecord(spoiled), HEADER.test(spoiled), JSON.stringify(spoiled));
      }
    }
  });

  it('refuses what is too short', () => {
    for (let length = 0; length < HEADER_LENGTH; length++)
      assert.equal(isRecord(record.slice(0, length)), false);
  });
});

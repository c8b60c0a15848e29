import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ForkloopError, toErrorRecord } from '../../../src/lib/errors.ts';

describe('ForkloopError', () => {
  it('carries its code and its cause', () => {
    const cause = new Error('below');
    const error = new ForkloopError('ERR_DRAINING', 'the daemon stops', { cause });
    assert.equal(error.code, 'ERR_DRAINING');
    assert.equal(error.cause, cause);
    assert.equal(error.name, 'ForkloopError');
    assert.ok(error instanceof Error);
  });
});

describe('toErrorRecord', () => {
  it('keeps name, message, code and stack of an error', () => {
    const record = toErrorRecord(Object.assign(new TypeError('no'), { code: 'ERR_X' }));
    assert.deepEqual(
      { ...record, stack: undefined },
      { name: 'TypeError', message: 'no', code: 'ERR_X', stack: undefined },
    );
    assert.match(record.stack ?? '', /^TypeError: no/);
  });

  it('takes a number as code', () => {
    assert.equal(toErrorRecord(Object.assign(new Error('x'), { code: 7 })).code, '7');
  });

  it('bounds every text', () => {
    const error = Object.assign(new Error('m'.repeat(10_000)), {
      name: 'n'.repeat(1_000),
      code: 'c'.repeat(1_000),
      stack: 's'.repeat(100_000),
    });
    const record = toErrorRecord(error);
    assert.deepEqual(
      [record.name.length, record.message.length, record.code?.length, record.stack?.length],
      [100, 2_000, 100, 4_000],
    );
  });

  const hostile: [string, unknown][] = [
    [
      'a message that throws',
      Object.defineProperty(new Error('x'), 'message', { get: () => assert.fail('asked') }),
    ],
    ['a proxy that throws', new Proxy(new Error('x'), { get: () => assert.fail('asked') })],
    ['an object that refers to itself', circle()],
    ['an object without prototype', Object.create(null)],
    ['an object whose toJSON throws', { toJSON: () => assert.fail('asked') }],
    ['a symbol', Symbol('s')],
    ['a big integer', 5n],
    ['undefined', undefined],
    ['null', null],
    ['a function', () => 1],
  ];
  for (const [what, thrown] of hostile) {
    it(`describes ${what} without throwing`, () => {
      const record = toErrorRecord(thrown);
      assert.equal(typeof record.message, 'string');
      assert.equal(record.name, 'Error');
    });
  }

  it('makes a bounded record of anything', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const record = toErrorRecord(thrown);
        assert.ok(record.message.length <= 2_000 && record.name.length <= 100);
        JSON.stringify(record);
      }),
    );
  });
});

function circle(): object {
  const object: { self?: unknown } = {};
  object.self = object;
  return object;
}

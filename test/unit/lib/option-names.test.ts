import assert from 'node:assert/strict';
import { OptionNames } from '../../../src/lib/option-names.ts';

interface Options {
  readonly expires?: string;
  readonly retry?: object;
}

const inner = new OptionNames<{ attempts?: number }>('retry', { attempts: true });
const names = new OptionNames<Options>('enqueue', { expires: true, retry: true }, { retry: inner });
const refused = (options: unknown, message: string, subject?: string) =>
  assert.throws(() => names.check(options, subject), {
    name: 'ForkloopError',
    code: 'ERR_OPTION_INVALID',
    message,
  });

describe('the names of options', () => {
  it('are let through where they are known, whatever their values', () => {
    names.check({});
    names.check({ expires: undefined, retry: 7 });
    names.check(Object.freeze(Object.assign(Object.create(null), { expires: '1s' })));
  });

  it('are refused with the one that is near', () => {
    refused({ expire: '1s' }, 'no option of enqueue is named "expire", did you mean "expires"?');
    refused({ expires: '1s', Retry: {} }, 'no option of enqueue is named "Retry", did you mean "retry"?');
  });

  it('are refused with all there are when none is near, also with undefined as the value', () => {
    refused({ colour: undefined }, 'no option of enqueue is named "colour"; there are: expires, retry');
  });

  it('are refused with the option that they are part of', () => {
    refused({ attempts: 1 }, 'no option of enqueue is named "attempts", did you mean retry: { attempts }?');
  });

  it('begin with what they are about, and are cut when they are long', () => {
    refused(
      { ['x'.repeat(1_000)]: 1 },
      `task "a": no option of enqueue is named "${'x'.repeat(59)}…"; there are: expires, retry`,
      'task "a": ',
    );
  });

  it('are looked for in objects only', () => {
    for (const [given, told] of [
      ['1s', 'a string'],
      [5, 'a number'],
      [null, 'null'],
      [undefined, 'undefined'],
    ] as const)
      refused(given, `the options of enqueue are an object, not ${told}; there are: expires, retry`);
  });

  it('may be inherited; what stands on the prototype of all objects is none', () => {
    names.check(Object.create({ expires: '1s' }));
    (Object.prototype as { stray?: number }).stray = 1;
    try {
      names.check({ expires: '1s' });
    } finally {
      delete (Object.prototype as { stray?: number }).stray;
    }
  });
});

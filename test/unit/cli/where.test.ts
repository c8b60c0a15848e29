import assert from 'node:assert/strict';
import { checkedWhere } from '../../../src/cli/where.ts';
import type { ForkloopError } from '../../../src/lib/errors.ts';

describe('a --where that cannot be understood', () => {
  const refusal = async (text: string): Promise<string[]> => {
    const error = await checkedWhere(text).then(
      () => assert.fail('it was understood'),
      (thrown: ForkloopError) => thrown,
    );
    assert.equal(error.code, 'ERR_USAGE');
    return error.message.split('\n');
  };

  it('is shown with the place, and what was probably meant', async () => {
    assert.deepEqual(await refusal('task=eta.* state=ded age<1h'), [
      '--where: "ded" is no state, did you mean "dead"?',
      '  task=eta.* state=ded age<1h',
      '                   ^^^',
    ]);
  });

  it('is shown with what there is when nothing is near', async () => {
    assert.deepEqual(await refusal('state=lost'), [
      '--where: "lost" is no state',
      '  state=lost',
      '        ^^^^',
      '  there are: in_flight ready delayed dead',
    ]);
  });

  it('is cut around the place when it is long, each control character a blank', async () => {
    const [, excerpt = '', carets = ''] = await refusal(`task=${'x'.repeat(200)}\nunique=\x1b ag<1h`);
    assert.ok(excerpt.length <= 80 && carets.length <= 80);
    assert.equal(excerpt.slice(carets.indexOf('^'), carets.length), 'ag');
  });

  it('is the same text when it can be', async () => {
    assert.equal(await checkedWhere('state=dead'), 'state=dead');
  });
});

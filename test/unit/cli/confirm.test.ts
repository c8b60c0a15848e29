import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { type BulkFlags, confirm } from '../../../src/cli/confirm.ts';
import { contextOf } from '../../../src/cli/context.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { CapturedStream } from '../../support/captured-stream.ts';

/** Somebody at a terminal who types `keys`; without any nobody is there. */
async function asked(
  keys: string | null,
  flags: BulkFlags = {},
  env: Record<string, string> = {},
): Promise<{ code: number | null; told: string }> {
  const stdin = Object.assign(new PassThrough(), { isTTY: keys !== null });
  const stderr = new CapturedStream({ columns: 80 });
  const surroundings = { stdin, stdout: new CapturedStream(), stderr, env, cwd: '/', clock: systemClock };
  const context = contextOf({}, { ...surroundings, version: '1.2.3' });
  const code = confirm(context, 'delete 2 jobs', flags);
  if (keys !== null) stdin.write(keys);
  return { code: await code, told: stderr.text };
}

describe('the question whether it is meant', () => {
  it('is answered by y, yes or --yes', async () => {
    for (const keys of ['y\r', 'YES\r']) assert.equal((await asked(keys)).code, null);
    assert.deepEqual(await asked(null, { yes: true }), { code: null, told: '' });
  });

  it('means no else, and says that nothing was done', async () => {
    const { code, told } = await asked('\r');
    assert.equal(code, 1);
    assert.match(told, /delete 2 jobs\? \[y\/N\] /);
    assert.match(told, /nothing was done\n$/);
  });

  for (const [key, text, expected] of [
    ['Ctrl-C', '\x03', 130],
    ['Ctrl-C after some text', 'y\x03', 130],
    ['Ctrl-D', '\x04', 1],
  ] as const) {
    it(`says that nothing was done at ${key}`, async () => {
      const { code, told } = await asked(text);
      assert.equal(code, expected);
      assert.match(told, /\n[^\n]*nothing was done\n$/);
    });
  }

  it('is not asked with FORKLOOP_YES or FORKLOOP_NO_INPUT, read as other flags are', async () => {
    assert.equal((await asked(null, {}, { FORKLOOP_YES: '1' })).code, null);
    assert.equal((await asked('\r', {}, { FORKLOOP_YES: '0', FORKLOOP_NO_INPUT: 'false' })).code, 1);
    const refused = { code: 'ERR_USAGE', message: /--yes says that it is meant/ };
    await assert.rejects(asked(null, {}, { FORKLOOP_YES: 'no' }), refused);
    await assert.rejects(asked('y\r', {}, { FORKLOOP_NO_INPUT: '1' }), refused);
    await assert.rejects(asked('y\r', { input: false }), refused);
  });
});

import assert from 'node:assert/strict';
import { loadCommands } from '../../../src/cli/commands.ts';
import { createProgram } from '../../../src/cli/main.ts';

const stream = { write: () => true };

async function namesFor(word?: string): Promise<string[]> {
  const program = createProgram(
    () => async () => {},
    { stdout: stream, stderr: stream, version: '' },
    await loadCommands(word),
  );
  return program.commands.map((command) => command.name()).filter((name) => name !== '__complete');
}

describe('commands of the command line', () => {
  it('are loaded alone when the line begins with their name', async () => {
    const all = await namesFor();
    assert.ok(all.length > 20);
    for (const name of all) assert.deepEqual(await namesFor(name), [name]);
  });

  it('are all loaded for help, for a mistake and behind an option', async () => {
    for (const word of ['help', '--help', 'strat', '-c', '__complete', 'constructor', ''])
      assert.deepEqual(await namesFor(word), await namesFor(), word);
  });
});

import assert from 'node:assert/strict';
import { commandPaths } from '../../support/cli-reference.ts';
import { OTHER_COMMANDS, READING_COMMANDS } from '../../support/reading-commands.ts';

describe('the table of commands that only read', () => {
  it('knows every command: add yours to test/support/reading-commands.ts', () => {
    const paths = commandPaths();
    const commands = paths.filter(
      (path) => path !== '' && !paths.some((other) => other.startsWith(`${path} `)),
    );
    const isKnown = (command: string) =>
      OTHER_COMMANDS.includes(command) ||
      READING_COMMANDS.some(({ words }) => `${words} `.startsWith(`${command} `));
    assert.deepEqual(
      commands.filter((command) => !isKnown(command)),
      [],
    );
    assert.deepEqual(
      OTHER_COMMANDS.filter((command) => !commands.includes(command)),
      [],
    );
  });
});

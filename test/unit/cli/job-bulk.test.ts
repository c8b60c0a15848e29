import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandTable } from '../../../src/control/commands.ts';
import type { ControlHandlers } from '../../../src/control/protocol.ts';
import { ControlServer } from '../../../src/control/server.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { ForkloopError } from '../../../src/lib/errors.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { runMain } from '../../support/run-main.ts';

const id = '0198c0de-7a1b-7cc0-8000-0242ac120002';
const other = `${id.slice(0, -1)}9`;

describe('job delete', () => {
  let folder = '';
  let path = '';
  let server: ControlServer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    path = join(folder, 'control.sock');
    const handlers: Partial<ControlHandlers> = {
      job_delete: async (job) => {
        if (job.id === other) throw new ForkloopError('ERR_BROKER_UNAVAILABLE', 'the broker is away');
        return { schema: 'forkloop.job-delete/1', id: job.id, queue: 'q' };
      },
    };
    const commands = commandTable(handlers as ControlHandlers);
    server = new ControlServer({ path, commands, clock: systemClock, log: silentLogger });
    await server.start();
  });

  after(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('prints the ids of those that were done when the broker goes away in between', async () => {
    const { code, stdout, stderr } = await runMain(`job delete ${id} ${other} --socket ${path}`);
    assert.deepEqual([code, stdout], [69, `${id}\n`]);
    assert.match(stderr, /the broker is away/);
  });

  it('prints whole JSON of them, and none when there is none', async () => {
    const { stdout } = await runMain(`job delete ${id} ${other} --socket ${path} -o json`);
    assert.deepEqual(JSON.parse(stdout), [{ id, outcome: 'deleted' }]);
    assert.equal((await runMain(`job delete ${other} --socket ${path} -o json`)).stdout, '');
  });
});

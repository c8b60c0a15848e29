import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandTable } from '../../../src/control/commands.ts';
import type { JobReport } from '../../../src/control/messages/jobs.ts';
import type { ControlHandlers } from '../../../src/control/protocol.ts';
import { ControlServer } from '../../../src/control/server.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { ForkloopError } from '../../../src/lib/errors.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { runMain } from '../../support/run-main.ts';

const id = '0198c0de-7a1b-7cc0-8000-0242ac120002';
const about = { schema: 'forkloop.job/1', id, queue: 'q', created_at: null } as const;
const waits = { ...about, state: 'ready' } as unknown as JobReport;
const completed: JobReport = { ...about, state: 'completed', result: 7 };

describe('job wait', () => {
  let folder = '';
  let path = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    path = join(folder, 'control.sock');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const serve = async (job: ControlHandlers['job']): Promise<ControlServer> => {
    const commands = commandTable({ job } as ControlHandlers);
    const server = new ControlServer({ path, commands, clock: systemClock, log: silentLogger });
    await server.start();
    return server;
  };

  it('waits on while a daemon that has answered is restarted', async () => {
    let second: Promise<ControlServer> | undefined;
    const first = await serve(async () => {
      setImmediate(() => {
        second ??= first.stop().then(() => serve(async () => completed));
      });
      return waits;
    });
    const { code, stdout } = await runMain(`job wait ${id} --socket ${path}`);
    await (await second)?.stop();
    assert.deepEqual([code, JSON.parse(stdout)], [0, { id, status: 'completed', result: 7 }]);
  });

  it('ends with 3 at once when no daemon has ever answered', async () => {
    const { code, stdout, stderr } = await runMain(`job wait ${id} --socket ${path}`);
    assert.deepEqual([code, stdout], [3, '']);
    assert.match(stderr, /no daemon runs here/);
  });

  it('prints whole JSON of those that have ended when another cannot be asked for', async () => {
    const other = `${id.slice(0, -1)}9`;
    const server = await serve(async (asked) => {
      if (asked.id === other) throw new ForkloopError('ERR_BROKER_UNFIT', 'no such broker');
      return completed;
    });
    const { code, stdout, stderr } = await runMain(`job wait ${id} ${other} --socket ${path} -o json`);
    await server.stop();
    assert.deepEqual(JSON.parse(stdout), [{ id, status: 'completed', result: 7 }]);
    assert.equal(code, 78);
    assert.match(stderr, /no such broker/);
  });

  it('tells the code of an error, and not its stack', async () => {
    const error = { name: 'TypeError', message: 'broken', code: 'E_BROKEN', stack: 'at x' };
    const server = await serve(async () => ({ ...about, state: 'dead', error }) as unknown as JobReport);
    const { stdout } = await runMain(`job wait ${id} --socket ${path} -o json -q`);
    await server.stop();
    const { stack: _, ...told } = error;
    assert.deepEqual(JSON.parse(stdout), [{ id, status: 'dead', error: told }]);
  });

  for (const [name, report, expected] of [
    ['that was cancelled', { ...about, state: 'cancelled', error: { name: 'E', message: 'm' } }, 'cancelled'],
    ['that expired', { ...about, state: 'expired', error: { name: 'E', message: 'm' } }, 'expired'],
    ['that is dead without an error', { ...about, state: 'dead', error: null }, 'dead'],
  ] as const) {
    it(`ends with 5 for a job ${name}`, async () => {
      const server = await serve(async () => report as unknown as JobReport);
      const { code, stdout } = await runMain(`job wait ${id} --socket ${path} -q`);
      await server.stop();
      const { status, error } = JSON.parse(stdout) as { status: string; error: { message: string } };
      assert.deepEqual([code, status, typeof error.message], [5, expected, 'string']);
    });
  }
});

import assert from 'node:assert/strict';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { PoolOptions } from '../../../src/pool/options.ts';
import { delivery, poolOnFakeHost } from '../../support/pool-on-fake-host.ts';

const JOB = delivery({ timeoutMs: 0, killAfterMs: 0 });

/** A pool whose only worker runs a job; `kernel` is what the kernel says of it. */
function setUp(options: Partial<PoolOptions> = {}) {
  const kernel = { stopped: false, cpuTicks: 100 };
  const warnings: string[] = [];
  const logger = {
    ...silentLogger,
    child: () => logger,
    warn: (message: string) => void warnings.push(message),
  };
  const { clock, host, pool, ended } = poolOnFakeHost(
    { blockTimeout: 15_000, ...options },
    { logger, lookAtProcess: () => ({ ...kernel }) },
  );
  void pool.start();
  host.last.ready();
  pool.run([JOB]);
  host.last.start(JOB.token);
  const stalled = () => pool.status().workers[0]?.stalled;
  return { clock, host, kernel, pool, ended, warnings, stalled };
}

describe('a worker whose job stands still', () => {
  it('is stalled after a minute, warned of once, and left alone', async () => {
    const { clock, host, warnings, stalled } = setUp();
    await clock.advance(59_000);
    assert.equal(stalled(), false);
    await clock.advance(13_000);
    assert.equal(stalled(), true);
    await clock.advance(3_600_000);
    assert.equal(warnings.filter((text) => /stalled/.test(text)).length, 1);
    assert.equal(host.last.state, 'alive');
    assert.equal(host.last.heard.filter(({ type }) => type === 'ping').length, 1, 'pings are not gathered');
  });

  it('is not stalled while it uses processor time', async () => {
    const { clock, kernel, stalled } = setUp({ stallTimeout: 60_000 });
    for (let s = 0; s < 300; s += 6) {
      kernel.cpuTicks += 10;
      await clock.advance(6_000);
    }
    assert.equal(stalled(), false);
  });

  it('is not stalled while its event loop answers', async () => {
    const { clock, host, stalled } = setUp({ stallTimeout: 60_000 });
    for (let s = 0; s < 300; s += 6) {
      host.last.say({ type: 'pong', number: 0 });
      await clock.advance(6_000);
    }
    assert.equal(stalled(), false);
    assert.equal(host.last.state, 'alive');
  });

  it('is stalled no more when it goes on', async () => {
    const { clock, kernel, stalled } = setUp();
    await clock.advance(80_000);
    assert.equal(stalled(), true);
    kernel.cpuTicks += 50;
    await clock.advance(13_000);
    assert.equal(stalled(), false);
  });

  it('is killed after stall_timeout where that is set, which is a crash of its job', async () => {
    const { clock, host, ended } = setUp({ stallTimeout: 10_000 });
    host.last.sample = { stack: '    at hang (/srv/tasks/a.js:3:9)', token: JOB.token };
    await clock.advance(13_000);
    assert.equal(host.last.state, 'killed');
    host.last.exit();
    await clock.advance(0);
    const [outcome] = ended.map((one) => one.outcome);
    assert(outcome?.type === 'crashed', JSON.stringify(outcome));
    assert.match(outcome.error.message, /stood still for longer than stall_timeout in hang/);
    assert.match(outcome.error.stack ?? '', /\n {4}at hang/);
  });

  it('is left alone, whatever stall_timeout says, while somebody has stopped it', async () => {
    const { clock, host, kernel, stalled } = setUp({ stallTimeout: 10_000 });
    kernel.stopped = true;
    await clock.advance(3_600_000);
    assert.deepEqual([host.last.state, stalled()], ['alive', true]);
    kernel.stopped = false;
    await clock.advance(3_000);
    assert.equal(host.last.state, 'killed');
  });

  it('is replaced when it idles and does not answer, also when somebody has stopped it', async () => {
    const { clock, host, kernel } = setUp();
    host.last.end(JOB.token);
    kernel.stopped = true;
    await clock.advance(22_000);
    assert.equal(host.last.state, 'killed');
  });
});

describe('an async worker that somebody has stopped', () => {
  it('keeps the jobs that it runs, and is replaced when it runs none', async () => {
    const { clock, host, kernel } = setUp({ kind: 'async', concurrency: 5, blockTimeout: 10_000 });
    kernel.stopped = true;
    await clock.advance(120_000);
    assert.equal(host.last.state, 'alive');
    host.last.end(JOB.token);
    await clock.advance(13_000);
    assert.equal(host.last.state, 'killed');
  });
});

import assert from 'node:assert/strict';
import { createLogger, silentLogger } from '../../../src/lib/logger.ts';
import {
  inheritedDescriptor,
  type Notice,
  openNotifyChannel,
} from '../../../src/supervisor/notify-channel.ts';
import { ServiceNotifier } from '../../../src/supervisor/service-notifier.ts';

describe('the service notifier', () => {
  it('sends one notice at a time; what gathers meanwhile goes together, the newest of each key', async () => {
    const sent: Notice[] = [];
    let open: () => void = () => {};
    const channel = (notice: Notice) => {
      sent.push(notice);
      return new Promise<void>((resolve) => {
        open = resolve;
      });
    };
    const notifier = new ServiceNotifier(channel, silentLogger);
    notifier.send({ STATUS: 'starting' });
    notifier.send({ READY: '1', STATUS: 'ready' });
    notifier.send({ STATUS: 'quiet' });
    assert.deepEqual(sent, [{ STATUS: 'starting' }]);
    open();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(sent.slice(1), [{ READY: '1', STATUS: 'quiet' }]);
    const flushed = notifier.flush();
    open();
    await flushed;
    notifier.send({ STOPPING: '1' });
    assert.deepEqual(sent.at(-1), { STOPPING: '1' });
  });

  it('tells the first failure and goes on', async () => {
    const logged: string[] = [];
    const sent: Notice[] = [];
    const log = createLogger((level, message) => logged.push(`${level}: ${message}`));
    const channel = async (notice: Notice) => {
      sent.push(notice);
      throw new Error('ENOENT');
    };
    const notifier = new ServiceNotifier(channel, log);
    for (const STATUS of ['a', 'b', 'c']) {
      notifier.send({ STATUS });
      await notifier.flush();
    }
    assert.equal(sent.length, 3);
    assert.equal(logged.length, 1);
    assert.match(logged[0] ?? '', /^warn: the service manager cannot be told/);
  });
});

describe('the way to the service manager', () => {
  const warn = () => assert.fail('warned');

  for (const [env, expected] of [
    [{}, null],
    [{ FORKLOOP_NOTIFY_FD: '7' }, 7],
    [{ FORKLOOP_NOTIFY_FD: 'x' }, null],
    [{ LISTEN_PID: '9', LISTEN_FDS: '1', LISTEN_FDNAMES: 'notify' }, 3],
    [{ LISTEN_PID: '9', LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:notify' }, 4],
    [{ LISTEN_PID: '8', LISTEN_FDS: '1', LISTEN_FDNAMES: 'notify' }, null],
    [{ LISTEN_PID: '9', LISTEN_FDS: '1', LISTEN_FDNAMES: 'web' }, null],
    [{ LISTEN_PID: '9', LISTEN_FDS: '1', LISTEN_FDNAMES: 'web:notify' }, null],
  ] as const satisfies [Record<string, string>, number | null][]) {
    it(`is the descriptor ${expected} for ${JSON.stringify(env)}`, () =>
      assert.equal(inheritedDescriptor({ env, pid: 9 }), expected));
  }

  it('is none where nobody listens', () => {
    assert.equal(openNotifyChannel({ env: {}, pid: 9, warn }), null);
  });

  it('is not a descriptor that is no socket', () => {
    const warned: string[] = [];
    const env = { FORKLOOP_NOTIFY_FD: '999999' };
    assert.equal(openNotifyChannel({ env, pid: 9, warn: (message) => warned.push(message) }), null);
    assert.equal(warned.length, 1);
  });
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.ts';
import { connectLines } from '../../../src/lib/line-client.ts';
import type { LineConnection } from '../../../src/lib/line-connection.ts';
import { type LineServer, type ListenOptions, listenLines } from '../../../src/lib/line-server.ts';

const limits = { maxLineBytes: 1024, clock: systemClock };
const connecting = { ...limits, connectTimeoutMs: 2_000 };

/** Lines as they come, and the end; `next` waits for one. */
function inbox() {
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  const wake = () => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  const state = { closed: false, error: undefined as Error | undefined };
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return {
    state,
    listener: {
      line: (text: string) => {
        lines.push(text);
        wake();
      },
      closed: (error?: Error) => {
        state.closed = true;
        state.error = error;
        wake();
      },
    },
    next: async () => {
      await until(() => lines.length > 0);
      return lines.shift();
    },
    end: () => until(() => state.closed),
  };
}

describe('line socket', () => {
  let directory = '';
  let path = '';
  const servers: LineServer[] = [];

  const echo = async (more: Partial<ListenOptions> = {}) => {
    const server = await listenLines(path, { ...limits, maxConnections: 4, ...more }, (connection) => ({
      line: (text) => void connection.send(`echo ${text}`),
      closed: () => {},
    }));
    servers.push(server);
    return server;
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'forkloop-lines-'));
    path = join(directory, 'a.sock');
  });

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    await rm(directory, { recursive: true });
  });

  it('carries lines both ways, in order, however they are cut', async () => {
    await echo();
    const box = inbox();
    const connection = await connectLines(path, connecting, box.listener);
    connection.send('one');
    connection.send('two äöü 日本');
    assert.equal(await box.next(), 'echo one');
    assert.equal(await box.next(), 'echo two äöü 日本');
    connection.close();
    await box.end();
    assert.equal(box.state.error, undefined);
  });

  it('joins a line that arrives byte by byte and replaces invalid UTF-8', async () => {
    await echo();
    const raw = connect(path);
    const answer = new Promise<string>((resolve) => raw.once('data', (chunk) => resolve(chunk.toString())));
    for (const byte of Buffer.from('é')) raw.write(Buffer.from([byte]));
    raw.write(Buffer.from([0xff, 0x0a]));
    assert.equal(await answer, 'echo é\ufffd\n');
    raw.destroy();
  });

  it('is readable by its owner only from the start, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      await echo();
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.equal(process.umask(), 0);
    } finally {
      process.umask(before);
    }
  });

  it('closes a connection whose line is too long and keeps the others', async () => {
    await echo();
    const [good, bad] = [inbox(), inbox()];
    const kept = await connectLines(path, connecting, good.listener);
    const offender = await connectLines(path, connecting, bad.listener);
    offender.send('x'.repeat(1025));
    await bad.end();
    kept.send('x'.repeat(1024 - 5));
    assert.equal((await good.next())?.length, 1024);
    kept.close();
    await good.end();
  });

  it('tells its own listener why it closed a connection', async () => {
    const box = inbox();
    servers.push(await listenLines(path, { ...limits, maxConnections: 1 }, () => box.listener));
    const raw = connect(path);
    raw.on('error', () => {});
    raw.write('x'.repeat(5_000));
    await box.end();
    assert.equal((box.state.error as { code?: string }).code, 'ERR_INPUT_TOO_LARGE');
    raw.destroy();
  });

  it('refuses a connection beyond the limit', async () => {
    await echo({ maxConnections: 1 });
    const [first, second] = [inbox(), inbox()];
    const kept = await connectLines(path, connecting, first.listener);
    await connectLines(path, connecting, second.listener).catch(() => second.listener.closed());
    await second.end();
    kept.send('still here');
    assert.equal(await first.next(), 'echo still here');
    kept.close();
    await first.end();
  });

  it('closes an idle connection, but not one that is kept', async () => {
    await echo({ idleMs: 30 });
    const idle = inbox();
    await connectLines(path, connecting, idle.listener);
    await idle.end();

    const keptBox = inbox();
    const other = join(directory, 'b.sock');
    servers.push(
      await listenLines(other, { ...limits, maxConnections: 1, idleMs: 30 }, (connection) => ({
        line: (text) => {
          connection.keep();
          systemClock.setTimer(90, () => connection.send(text));
        },
        closed: () => {},
      })),
    );
    const kept = await connectLines(other, connecting, keptBox.listener);
    kept.send('late answer');
    assert.equal(await keptBox.next(), 'late answer');
    kept.close();
    await keptBox.end();
  });

  it('send says no instead of buffering without end when the peer does not read', async () => {
    let serving: LineConnection | undefined;
    const accepted = new Promise<void>((resolve) => {
      listenLines(path, { ...limits, maxConnections: 1 }, (connection) => {
        serving = connection;
        resolve();
        return { line: () => {}, closed: () => {} };
      }).then(
        (server) => servers.push(server),
        () => {},
      );
    });
    await stateOf(async () => (await stat(path).catch(() => null)) !== null);
    const raw = connect(path); // never reads
    await accepted;
    const line = 'x'.repeat(1000);
    let sent = 0;
    while (serving?.send(line)) {
      sent += 1;
      assert.ok(sent < 10_000, 'bounded');
    }
    assert.ok(sent >= 1);
    raw.destroy();
  });

  it('replaces a stale socket file', async () => {
    const stale = createServer();
    await new Promise<void>((resolve) => stale.listen(path, resolve));
    await import('node:fs/promises').then((fs) => fs.rename(path, `${path}.kept`));
    await new Promise<void>((resolve) => stale.close(() => resolve()));
    await import('node:fs/promises').then((fs) => fs.rename(`${path}.kept`, path));
    await echo();
    const box = inbox();
    const connection = await connectLines(path, connecting, box.listener);
    connection.send('fresh');
    assert.equal(await box.next(), 'echo fresh');
    connection.close();
    await box.end();
  });

  it('refuses to listen where somebody answers, where a file stands, and beyond 107 bytes', async () => {
    await echo();
    const listener = () => inbox().listener;
    const options = { ...limits, maxConnections: 1 };
    await assert.rejects(listenLines(path, options, listener), { code: 'ERR_ALREADY_RUNNING' });
    const file = join(directory, 'file');
    await writeFile(file, 'precious');
    await assert.rejects(listenLines(file, options, listener), { code: 'ERR_OPTION_INVALID' });
    const long = join(directory, 'x'.repeat(108));
    await assert.rejects(listenLines(long, options, listener), /at most 107 bytes/);
    await assert.rejects(connectLines(long, connecting, inbox().listener), /at most 107 bytes/);
  });

  it('says that no daemon is running when nobody listens', async () => {
    await assert.rejects(connectLines(path, connecting, inbox().listener), { code: 'ERR_NOT_RUNNING' });
  });

  it('closing the server closes its connections and removes the file', async () => {
    const server = await echo();
    const box = inbox();
    await connectLines(path, connecting, box.listener);
    await server.close();
    await box.end();
    await assert.rejects(stat(path), { code: 'ENOENT' });
  });
});

async function stateOf(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

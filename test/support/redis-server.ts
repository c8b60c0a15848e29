import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Where it runs and keeps its files. */
  readonly folder: string;
  /** Ends it and removes its folder. Harmless when repeated. */
  stop(): Promise<void>;
  /** As `kill -9`. The folder stays for `restart`. */
  kill(): Promise<void>;
  /** Ends it if it runs and starts it again on the same port and folder; resolves when it answers. */
  restart(): Promise<void>;
}

export interface RedisServerOptions {
  /** `aof`: every write is synced before it is answered. Default `none`. */
  readonly persistence?: 'none' | 'aof';
  /** More arguments of redis-server. */
  readonly args?: readonly string[];
}

/** Suites that need Redis are left out, and say so. */
export const redisSkipped = process.env['FORKLOOP_TEST_REDIS'] === 'skip';

/**
 * `describe` for suites that need a redis-server: makes sure that there is one, and shows the suite as pending when
 * FORKLOOP_TEST_REDIS=skip.
 */
export function describeRedis(name: string, define: () => void): void {
  if (redisSkipped) {
    describe.skip(`${name} (left out: FORKLOOP_TEST_REDIS=skip)`, define);
    return;
  }
  describe(name, () => {
    before(function () {
      this.timeout(300_000);
      ensureRedisServer();
    });
    define();
  });
}

/** Makes sure that redis-server is on the PATH: as root on Debian it is installed, else the run ends with one line. */
export function ensureRedisServer(): void {
  if (onPath('redis-server')) return;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    process.stderr.write(
      'redis-server is not on the PATH: install it (Debian: apt-get install redis-server) or set FORKLOOP_TEST_REDIS=skip\n',
    );
    process.exit(1);
  }
  process.stderr.write(
    'redis-server is not on the PATH: installing the Debian package, without starting its service\n',
  );
  withoutServices(() => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'redis-server']]) {
      execFileSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    }
  });
  assert(onPath('redis-server'), 'apt-get has installed redis-server, but it is not on the PATH');
}

/** Debian asks this file before a package starts its service; 101 forbids it. One that is there already is left alone. */
function withoutServices(install: () => void): void {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

/** Starts a redis-server of the test's own; resolves when it answers. It dies with this process. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  ensureRedisServer();
  const folder = await mkdtemp(join(tmpdir(), 'forkloop-redis-'));
  const port = await freePort();
  let child: ChildProcess | undefined;

  const kill = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.kill('SIGKILL');
    await exited;
  };
  const killNow = () => child?.kill('SIGKILL');
  const start = async () => {
    child = spawn('redis-server', serverArgs(port, folder, options), {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await answering(port, child);
  };
  const stop = async () => {
    process.off('exit', killNow);
    await kill();
    await rm(folder, { recursive: true, force: true });
  };

  // Before whatever its folder is in goes.
  process.prependListener('exit', killNow);
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    folder,
    get pid() {
      assert(child?.pid !== undefined, 'the redis-server does not run');
      return child.pid;
    },
    stop,
    kill,
    async restart() {
      await kill();
      await start();
    },
  };
}

function serverArgs(
  port: number,
  folder: string,
  { persistence = 'none', args = [] }: RedisServerOptions,
): string[] {
  const aof = persistence === 'aof';
  return [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--daemonize', 'no'],
    ...['--appendonly', aof ? 'yes' : 'no', '--appendfsync', aof ? 'always' : 'no', '--loglevel', 'warning'],
    ...args,
  ];
}

/** Resolves when the server answers PING with anything but LOADING, a refused login included. */
async function answering(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error('redis-server ended at its start');
    const reply = await ping(port);
    if (/^(\+PONG|-NOAUTH)/.test(reply)) return;
    if (performance.now() > deadline) throw new Error(`redis-server does not answer: ${reply}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function ping(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1', timeout: 1_000 });
    const end = (reply: string) => {
      socket.destroy();
      resolve(reply);
    };
    socket.on('connect', () => socket.write('PING\r\n'));
    socket.on('data', (data) => end(data.toString()));
    socket.on('timeout', () => end('no answer'));
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('closed'));
  });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  server.close();
  await once(server, 'close');
  return address.port;
}

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

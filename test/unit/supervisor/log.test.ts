import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createWinstonLogger } from '../../../src/supervisor/log.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { until } from '../../support/until.ts';

const clock = new FakeClock(Date.UTC(2026, 4, 1, 12, 30, 15, 250));

/** What a logger wrote to it, by line. */
class Lines extends PassThrough {
  lines(): string[] {
    return String(this.read() ?? '')
      .split('\n')
      .slice(0, -1);
  }

  records(): Record<string, unknown>[] {
    return this.lines().map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

describe('the log as JSON', () => {
  const json = (level: 'debug' | 'info' | 'warn' | 'error' = 'info') => {
    const stream = new Lines();
    return { stream, logger: createWinstonLogger({ level, format: 'json', stream, clock }) };
  };

  it('is one object a line: time, level, msg, pid, then the fields', () => {
    const { stream, logger } = json();
    logger.child({ pool: 'cpu' }).warn('a worker ended\nunexpectedly', { worker: 3 });
    assert.deepEqual(stream.lines(), [
      `{"time":"2026-05-01T12:30:15.250Z","level":"warn","msg":"a worker ended\\nunexpectedly","pid":${process.pid},"pool":"cpu","worker":3}`,
    ]);
  });

  it('lets no field replace time, level, msg or pid', () => {
    const { stream, logger } = json();
    logger.info('true', { msg: 'false', level: 'error', pid: 1, time: 'never' });
    assert.deepEqual(stream.records(), [
      { time: '2026-05-01T12:30:15.250Z', level: 'info', msg: 'true', pid: process.pid },
    ]);
  });

  it('leaves out what is below its level, which can change, for children too', () => {
    const { stream, logger } = json('warn');
    const child = logger.child({ pool: 'io' });
    child.info('one');
    child.warn('two');
    logger.setLevel('debug');
    child.debug('three');
    logger.setLevel('error');
    child.warn('four');
    child.error('five');
    assert.deepEqual(
      stream.records().map(({ msg }) => msg),
      ['two', 'three', 'five'],
    );
  });

  it('writes errors as data, big integers as text, and a note for what JSON cannot tell', () => {
    const { stream, logger } = json();
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const trap = { toJSON: () => assert.fail('asked') };
    logger.error('all of it', {
      err: Object.assign(new TypeError('no'), { code: 'ERR_X' }),
      big: 5n,
      circle,
      trap,
      nothing: undefined,
      last: 1,
    });
    const [record] = stream.records();
    assert.equal((record?.['err'] as { code?: string } | undefined)?.code, 'ERR_X');
    assert.deepEqual([record?.['big'], record?.['last']], ['5', 1]);
    assert.deepEqual(
      [record?.['circle'], record?.['trap']],
      ['[cannot be told as JSON]', '[cannot be told as JSON]'],
    );
  });

  it('stays one bounded line whatever the message', () => {
    const { stream, logger } = json();
    logger.info('m'.repeat(1_000_000), { payload: 'p'.repeat(1_000_000) });
    const [line, ...more] = stream.lines();
    assert.ok((line ?? '').length < 70_000);
    assert.equal((JSON.parse(line ?? '') as { truncated: boolean }).truncated, true);
    assert.deepEqual(more, []);
  });

  it('never throws, whatever it is given', () => {
    const { stream, logger } = json();
    logger.info(Symbol('s') as unknown as string, new Proxy({}, { ownKeys: () => assert.fail('asked') }));
    logger.log('loud' as 'info', 'no such level');
    logger.info('still there');
    assert.deepEqual(
      stream
        .records()
        .map(({ msg }) => msg)
        .at(-1),
      'still there',
    );
  });
});

describe('the log as text', () => {
  const text = (env: Record<string, string> = {}, isTTY = false) => {
    const stream = Object.assign(new Lines(), { isTTY });
    return { stream, logger: createWinstonLogger({ level: 'debug', format: 'text', stream, clock, env }) };
  };

  it('is short time, level, message and key=value', () => {
    const { stream, logger } = text();
    logger.info('ready', { pool: 'cpu', workers: 3, last: 'two words', list: [1, 2] });
    assert.deepEqual(stream.lines(), [
      '12:30:15.250 INFO  ready pool=cpu workers=3 last="two words" list=[1,2]',
    ]);
  });

  it('puts the stack of an error on lines of its own', () => {
    const { stream, logger } = text();
    logger.error('failed', {
      pool: 'io',
      err: { name: 'Error', message: 'no', stack: 'Error: no\n    at here' },
    });
    assert.deepEqual(stream.lines(), ['12:30:15.250 ERROR failed pool=io', '    Error: no', '    at here']);
  });

  it('lets no control character through, in message, keys, values or stacks', () => {
    const { stream, logger } = text();
    logger.warn('a\u001b[2Jb\r\nc', {
      'k\u0007': 'v\u009bw',
      deep: { x: '\u001b' },
      err: { name: 'E', message: 'm', stack: 's\u001bt' },
    });
    const lines = stream.lines();
    assert.equal(lines.length, 2);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there
    assert.doesNotMatch(lines.join(''), /[\u0000-\u001f\u007f-\u009f]/);
  });

  const colors: [string, Record<string, string>, boolean, boolean][] = [
    ['on a terminal', {}, true, true],
    ['elsewhere', {}, false, false],
    ['on a terminal with NO_COLOR', { NO_COLOR: '1' }, true, false],
    ['on a terminal that is dumb', { TERM: 'dumb' }, true, false],
    ['elsewhere with FORCE_COLOR', { FORCE_COLOR: '1' }, false, true],
    ['elsewhere with both', { FORCE_COLOR: '1', NO_COLOR: '1' }, false, false],
  ];
  for (const [where, env, isTTY, colored] of colors) {
    it(`is ${colored ? 'coloured' : 'plain'} ${where}`, () => {
      const { stream, logger } = text(env, isTTY);
      logger.error('x');
      assert.equal(stream.lines()[0]?.includes('\u001b['), colored);
    });
  }
});

describe('a log whose stream fails', () => {
  it('drops and counts what a full stream cannot take, and says so when there is room again', async () => {
    const written: string[] = [];
    let release = () => {};
    const stream = new Writable({
      write(chunk, _encoding, next) {
        written.push(String(chunk));
        release = next;
      },
      highWaterMark: 1,
    });
    const logger = createWinstonLogger({ level: 'info', format: 'json', stream, clock });
    for (let n = 0; n < 200; n++) logger.info('x'.repeat(10_000));
    assert.ok(logger.dropped > 50 && logger.dropped < 200, `dropped ${logger.dropped}`);
    assert.ok(stream.writableLength < 1_100_000);
    const { dropped } = logger;
    while (stream.writableLength > 0) {
      release();
      await new Promise((resolve) => setImmediate(resolve));
    }
    logger.info('there is room');
    const told = JSON.parse(written.at(-1)?.split('\n')[0] ?? '') as Record<string, unknown>;
    assert.deepEqual([told['level'], told['count']], ['warn', dropped]);
    assert.match(written.at(-1) ?? '', /there is room/);
  });

  it('drops everything after the stream was ended or destroyed', async () => {
    for (const end of ['end', 'destroy'] as const) {
      const stream = new PassThrough();
      const logger = createWinstonLogger({ level: 'info', format: 'json', stream, clock });
      stream[end]();
      logger.info('lost');
      await new Promise((resolve) => setImmediate(resolve));
      logger.info('lost');
      assert.equal(logger.dropped, 2);
    }
  });

  it('outlives the error of its stream', async () => {
    const stream = new Writable({ write: (_chunk, _encoding, next) => next(new Error('disk full')) });
    const logger = createWinstonLogger({ level: 'info', format: 'json', stream, clock });
    logger.info('one');
    await new Promise((resolve) => setImmediate(resolve));
    logger.info('two');
    assert.equal(logger.dropped, 2);
  });
});

describe('a process that logs to a pipe', () => {
  let child: ChildProcess;
  beforeEach(async () => {
    child = fork(fileURLToPath(new URL('../../fixtures/log-writer.ts', import.meta.url)), {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    await once(child, 'message');
  });
  afterEach(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  const ask = async (records: number, size: number) => {
    child.send({ records, size });
    const [reply] = (await once(child, 'message', { signal: AbortSignal.timeout(10_000) })) as [
      { dropped: number; backlog: number },
    ];
    return reply;
  };

  it('lives on when the reader closes it', async () => {
    child.stderr?.destroy();
    await until(async () => (await ask(1, 10)).dropped > 0);
    const { dropped } = await ask(100, 1_000);
    assert.ok(dropped >= 101);
    child.disconnect();
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    assert.deepEqual([code, signal], [0, null]);
  });

  it('neither waits nor grows when nobody reads', async () => {
    const { dropped, backlog } = await ask(20_000, 1_000);
    assert.ok(dropped > 10_000, `dropped ${dropped}`);
    assert.ok(backlog < 1_200_000, `holds ${backlog} bytes`);
    assert.ok((await ask(1, 10)).dropped >= dropped);
  });
});

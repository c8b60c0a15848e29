import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWinstonLogger } from '../../../src/supervisor/log.ts';
import { LogFile } from '../../../src/supervisor/log-file.ts';

const fails = (error: Error) => assert.fail(error);

describe('a log file', () => {
  let folder = '';
  let path = '';
  const opened: LogFile[] = [];
  const openFile = (onTrouble: (error: Error) => void = fails): LogFile => {
    const file = LogFile.at(path, onTrouble);
    opened.push(file);
    return file;
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    path = join(folder, 'f.log');
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((file) => file.close()));
    await rm(folder, { recursive: true, force: true });
  });

  const records = (file: string) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { msg: string; n?: number; count?: number });

  it('is made for its owner and group, and appended to', async () => {
    for (const text of ['one\n', 'two\n']) {
      const file = openFile();
      file.write(text, (written) => assert.ok(written));
      await file.flush();
    }
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
    assert.equal(statSync(path).mode & 0o777 & ~0o640, 0);
  });

  it('loses and repeats nothing when it is moved away and opened anew, again and again', async () => {
    const file = openFile();
    const logger = createWinstonLogger({ level: 'info', format: 'json', target: file });
    let n = 0;
    for (let round = 1; round <= 5; round++) {
      for (let more = 0; more < 200; more++) logger.info('x', { n: n++ });
      renameSync(path, `${path}.${round}`);
      const reopened = file.reopen();
      for (let more = 0; more < 200; more++) logger.info('x', { n: n++ });
      await reopened;
    }
    logger.info('x', { n: n++ });
    await file.flush();
    const all = [`${path}.1`, `${path}.2`, `${path}.3`, `${path}.4`, `${path}.5`, path].flatMap(records);
    assert.deepEqual(
      all.map((record) => record.n),
      [...Array(n).keys()],
    );
    assert.equal(records(path).length >= 1, true);
  });

  it('stays the old one when it cannot be opened anew', async () => {
    const file = openFile();
    renameSync(path, `${path}.1`);
    await mkdir(path);
    await assert.rejects(file.reopen(), { code: 'ERR_LOG_FILE' });
    file.write('still here\n', () => {});
    await file.flush();
    assert.equal(readFileSync(`${path}.1`, 'utf8'), 'still here\n');
  });

  const unfit: [string, () => string][] = [
    ['its folder is not there', () => join(folder, 'no/f.log')],
    ['it is a folder', () => folder],
    [
      'it is a pipe that nobody reads',
      () => {
        execFileSync('mkfifo', [path]);
        return path;
      },
    ],
    ['it is a device', () => '/dev/null'],
  ];
  for (const [what, make] of unfit) {
    it(`is refused when ${what}`, () => {
      const place = make();
      assert.throws(() => LogFile.at(place, fails), { code: 'ERR_LOG_FILE' });
    });
  }

  it('writes what still waits when the process ends', async () => {
    const file = openFile();
    file.write('under way\n', () => {});
    file.write('waits\n', () => {});
    file.flushNow();
    await file.flush();
    assert.deepEqual(
      readFileSync(path, 'utf8')
        .split('\n')
        .slice(0, -1)
        .toSorted((one, other) => (one < other ? -1 : 1)),
      ['under way', 'waits'],
    );
  });

  it('counts what a device without room does not take, and complains once', async () => {
    const device = openSync('/dev/full', 'a');
    const trouble: string[] = [];
    const file = LogFile.inherited(device, ({ message }) => trouble.push(message));
    const logger = createWinstonLogger({ level: 'info', format: 'json', target: file });
    for (let n = 0; n < 10; n++) {
      logger.info('x');
      await file.flush();
    }
    assert.equal(logger.dropped, 10);
    assert.equal(trouble.length, 1);
    assert.match(trouble[0] ?? '', /ENOSPC/);
    await file.close();
    closeSync(device); // not ours: it was still open
  });

  describe('on a disk that is full', () => {
    before(function () {
      if (spawnSync('unshare', ['--mount', 'true'], { stdio: 'ignore' }).status === 0) return;
      process.stderr.write('skipped: no right to mount a small disk\n');
      this.skip();
    });

    it('drops and counts, and goes on with whole lines when there is room again', async () => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'forkloop-test', folder]);
      let file: LogFile | null = null;
      try {
        writeFileSync(join(folder, 'ballast'), Buffer.alloc(100 * 1024));
        let troubles = 0;
        file = LogFile.at(path, () => troubles++);
        const logger = createWinstonLogger({ level: 'info', format: 'json', target: file });
        let n = 0;
        for (; logger.dropped < 20; n++) {
          logger.info('x'.repeat(3_000), { n });
          await file.flush();
        }
        assert.equal(troubles, 1);
        const { dropped } = logger;
        unlinkSync(join(folder, 'ballast'));
        logger.info('there is room', { n });
        await file.flush();
        assert.equal(logger.dropped, dropped);
        // What was cut short when the disk became full is a line of its own.
        const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
        const torn = lines.filter((line) => !line.endsWith('}'));
        assert.ok(torn.length <= 1);
        const whole = lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line));
        assert.deepEqual(
          whole.slice(-2).map(({ msg, count }) => [msg, count]),
          [
            ['log records were dropped: there was no room for them', dropped],
            ['there is room', undefined],
          ],
        );
        assert.equal(whole.length - 2 + dropped, n);
      } finally {
        await file?.close();
        execFileSync('umount', [folder]);
      }
    });
  });
});

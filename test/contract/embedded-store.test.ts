import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import type { Broker } from '../../src/broker/broker.ts';
import { EmbeddedBroker } from '../../src/broker/embedded/embedded-broker.ts';
import { decodeJob, encodeJob, type NewJob, recordId } from '../../src/broker/job-record.ts';
import type { ExchangeDone, ExchangeRequest } from '../../src/broker/messages/exchange.ts';
import { openBrokerClient, serveBroker } from '../../src/broker/open.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';

const job = (part: Partial<NewJob> = {}): string =>
  encodeJob({
    id: newId(),
    task: 'a',
    priority: 5,
    keepResult: false,
    expiresAt: 0,
    unique: null,
    options: {},
    input: '{}',
    ...part,
  });

const batch = (...records: string[]) => ({
  id: newId(),
  notAfterAt: Date.now() + 35_000,
  jobs: records.map((record) => ({ record, delayMs: 0 })),
});

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/broker/${name}.ts`, import.meta.url));

describe('the embedded store', () => {
  let directory = '';
  let path = '';
  const opened: Broker[] = [];
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'forkloop-store-'));
    path = join(directory, 'jobs.db');
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((broker) => broker.close()));
    for (const child of children.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
    await rm(directory, { recursive: true });
  });

  const open = async (at = path): Promise<EmbeddedBroker> => {
    const broker = new EmbeddedBroker({ path: at, callDeadlineMs: 10_000, clock: systemClock });
    opened.push(broker);
    await broker.start();
    return broker;
  };

  const run = (name: string, ...parameters: string[]): ChildProcess => {
    const child = spawn(process.execPath, ['--import', 'tsx', fixture(name), ...parameters], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return child;
  };

  const sql = (text: string): void => {
    const database = new Database(path);
    database.exec(text);
    database.close();
  };

  const storedIds = (): Set<string> => {
    const database = new Database(path);
    const rows = database.prepare('select id from record').raw().all() as [string][];
    database.close();
    return new Set(rows.map(([id]) => id));
  };

  /** A daemon's exchanges on lane 0 of queue q. */
  const daemonOf = async (broker: Broker) => {
    const daemon = newId();
    assert.equal(await broker.open('q', { daemon, leaseMs: 30_000 }), 'opened');
    let number = 0;
    return async (part: Partial<ExchangeRequest>): Promise<ExchangeDone> => {
      number += 1;
      const reply = await broker.exchange('q', {
        ...{ daemon, leaseMs: 30_000, lane: 0, number, settle: [], want: 0, alone: false },
        ...{ droppedResultTtlMs: 60_000, keepDead: { count: 100, ageMs: 60_000 } },
        ...part,
      });
      assert.equal(reply.status, 'done');
      return reply;
    };
  };

  describe('after its process was killed', () => {
    it('has every job that was acknowledged, ten times over', async function () {
      this.timeout(120_000);
      const acknowledged = new Set<string>();
      for (let round = 0; round < 10; round += 1) {
        const child = run('enqueue-until-killed', path);
        let text = '';
        child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          if (text.split('\n').length > 5 + 7 * round) child.kill('SIGKILL');
        });
        await once(child, 'close');
        assert.equal(child.signalCode, 'SIGKILL');
        for (const line of text.split('\n').slice(0, -1))
          for (const id of line.split(' ')) acknowledged.add(id);
      }
      const broker = await open();
      const { ready } = await broker.stats('q');
      await broker.close();
      const stored = storedIds();
      assert.equal(stored.size, ready);
      assert(acknowledged.size > 1_000);
      for (const id of acknowledged) assert(stored.has(id), `${id} was acknowledged and is gone`);
    });
  });

  describe('after a restart', () => {
    it('has what was in flight at the head again, in order, recoveries and claims counted', async () => {
      const first = await open();
      const records = Array.from({ length: 5 }, () => job());
      await first.enqueue('q', batch(...records));
      const exchange = await daemonOf(first);
      const claimed = await exchange({ want: 3 });
      assert.equal(claimed.jobs.length, 3);
      await first.close();

      const second = await open();
      const again = await (await daemonOf(second))({ want: 10 });
      assert.deepEqual(
        again.jobs.map(({ record }) => recordId(record)),
        records.map(recordId),
      );
      assert.deepEqual(
        again.jobs.map(({ record }) => [decodeJob(record).claims, decodeJob(record).recoveries]),
        [
          [1, 1],
          [1, 1],
          [1, 1],
          [0, 0],
          [0, 0],
        ],
      );
      assert.deepEqual(again.jobs[0]?.token, `${recordId(records[0] ?? '')}:2`);
      assert.equal((await second.stats('q')).counters.reclaimed, 3);
    });

    it('keeps what is no record any more among the dead, and gives back the rest', async () => {
      const first = await open();
      const records = [job(), job(), job()];
      await first.enqueue('q', batch(...records));
      await (await daemonOf(first))({ want: 2 });
      await first.close();
      sql(`UPDATE record SET record = 'x' WHERE record = '${records[0]}'`);

      const second = await open();
      const { inFlight, dead, ready } = await second.stats('q');
      assert.deepEqual({ inFlight, dead, ready }, { inFlight: 0, dead: 1, ready: 2 });
      assert.equal((await second.list('q', { state: 'dead', limit: 10 }))[0]?.record, 'x');
    });

    it('lets a job that was in flight at two restarts run only alone', async () => {
      for (let restart = 0; restart < 2; restart += 1) {
        const broker = await open();
        if (restart === 0) await broker.enqueue('q', batch(job()));
        assert.equal((await (await daemonOf(broker))({ want: 1 })).jobs.length, 1);
        await broker.close();
      }
      const broker = await open();
      await broker.enqueue('q', batch(job()));
      const reply = await (await daemonOf(broker))({ want: 10, alone: true });
      assert.deepEqual(
        reply.jobs.map(({ alone, record }) => [alone, decodeJob(record).recoveries]),
        [[true, 2]],
      );
    });

    it('refuses the old daemon and its settlements, and still knows batches, unique keys, results, counts', async () => {
      const first = await open();
      const unique = job({ unique: 'k' });
      const stored = batch(unique, job({ keepResult: true }), job(), job());
      await first.enqueue('q', stored);
      const exchange = await daemonOf(first);
      const { jobs } = await exchange({ want: 4 });
      const result = { json: '{"status":"completed","result":1}', ttlMs: 60_000 };
      const error = '{"name":"E","message":"m"}';
      await exchange({
        settle: [
          { type: 'ack', token: jobs[1]?.token ?? '', result },
          { type: 'retry', token: jobs[2]?.token ?? '', delayMs: 3_600_000, count: 'failure', error },
          { type: 'dead', token: jobs[3]?.token ?? '', count: 'failure', error },
        ],
      });
      const before = await first.stats('q');
      await first.close();

      const second = await open();
      const repeated = await second.enqueue('q', stored);
      assert.deepEqual(repeated.status === 'stored' && repeated.existing, [null, null, null, null]);
      const other = await second.enqueue('q', batch(job({ unique: 'k' })));
      assert.deepEqual(other.status === 'stored' && other.existing, [recordId(unique)]);
      assert.deepEqual(await second.results('q', [recordId(jobs[1]?.record ?? '')]), [result.json]);
      assert.equal((await second.heartbeat('q', { daemon: 'gone', leaseMs: 1 })).status, 'lost');
      const after = await second.stats('q');
      assert.deepEqual([after.ready, after.delayed, after.dead, after.inFlight], [1, 1, 1, 0]);
      assert.deepEqual(after.counters, { ...before.counters, reclaimed: 1 });
    });

    it('wakes its daemon for what was there before', async () => {
      const first = await open();
      await first.enqueue('q', batch(job()));
      await first.close();
      const second = await open();
      assert.deepEqual(await second.wait(['q'], new AbortController().signal), ['q']);
    });
  });

  describe('a file', () => {
    it('that another process has open is refused, and is free when that process is killed', async () => {
      const child = run('enqueue-until-killed', path);
      await once(child.stdout ?? child, 'data');
      await assert.rejects(open(), { code: 'ERR_ALREADY_RUNNING', message: /another process/ });
      child.kill('SIGKILL');
      await once(child, 'close');
      assert((await (await open()).stats('q')).ready > 0);
    });

    it('that is no database is refused and left as it is', async () => {
      const text = 'precious notes, not a database\n'.repeat(400);
      await writeFile(path, text);
      await assert.rejects(open(), { code: 'ERR_BROKER_UNFIT', message: /not a database/ });
      assert.equal(execFileSync('cat', [path], { encoding: 'utf8' }), text);
    });

    it('has the format that docs/upgrade.md tells', async () => {
      await (await open()).close();
      const database = new Database(path);
      const [{ user_version: version } = {}] = database.pragma('user_version') as { user_version: number }[];
      database.close();
      const page = await readFile(new URL('../../docs/upgrade.md', import.meta.url), 'utf8');
      assert.equal(/`user_version` of the file \| (\d+)/.exec(page)?.[1], String(version));
    });

    it('that is damaged is refused', async () => {
      const broker = await open();
      for (let n = 0; n < 20; n += 1)
        await broker.enqueue('q', batch(...Array.from({ length: 50 }, () => job())));
      await broker.close();
      execFileSync('dd', [
        'if=/dev/urandom',
        `of=${path}`,
        'bs=4096',
        'seek=3',
        'count=20',
        'conv=notrunc',
        'status=none',
      ]);
      await assert.rejects(open(), { code: 'ERR_BROKER_UNFIT', message: /damaged/ });
    });

    it('in a directory that is not there is refused with its name', async () => {
      const lost = join(directory, 'missing', 'jobs.db');
      await assert.rejects(open(lost), { code: 'ERR_BROKER_UNFIT', message: /missing/ });
    });

    it('of the first format is brought up to date, with what it holds; a later one is refused', async () => {
      const broker = await open();
      await broker.enqueue('q', batch(job()));
      await broker.close();
      sql('drop table schedule; drop table pause; pragma user_version = 1');
      const updated = await open();
      const { ready, pause } = await updated.stats('q');
      assert.deepEqual([ready, pause], [1, { version: 0, pausedAt: null }]);
      const { watermark, now } = await updated.watermark('q', { schedule: 's' });
      assert(watermark.tick <= now);
      await updated.close();
      sql('pragma user_version = 999');
      await assert.rejects(open(), { code: 'ERR_BROKER_UNFIT', message: /another version.*999/ });
    });

    it('keeps how far a schedule has come', async () => {
      const broker = await open();
      const { watermark } = await broker.watermark('q', { schedule: 's' });
      await broker.close();
      assert.deepEqual((await (await open()).watermark('q', { schedule: 's' })).watermark, watermark);
    });

    it('keeps a queue paused, also one that has no jobs', async () => {
      const broker = await open();
      const pause = await broker.setPaused('q', { paused: true, version: 3 });
      await broker.close();
      assert.deepEqual((await (await open()).stats('q')).pause, pause);
    });

    it('is readable by its owner only', async () => {
      await open();
      const modes = execFileSync('stat', ['-c', '%a', path, `${path}-wal`], { encoding: 'utf8' });
      assert.equal(modes, '600\n600\n');
    });
  });

  it('has not failed when it is closed while it opens', async () => {
    const broker = new EmbeddedBroker({ path, callDeadlineMs: 10_000, clock: systemClock });
    let failure: unknown = null;
    void broker.failure.then((error) => {
      failure = error;
    });
    const start = broker.start().catch(() => {});
    await broker.close();
    await start;
    assert.equal(failure, null);
    assert.equal(broker.up, false);
  });

  it('does not hold up its process while 50,000 jobs are enqueued', async function () {
    this.timeout(60_000);
    const broker = await open();
    const batches = Array.from({ length: 196 }, () =>
      batch(...Array.from({ length: 256 }, () => job({ input: '"x"' }))),
    );
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await Promise.all(batches.map((each) => broker.enqueue('q', each)));
    delay.disable();
    assert.equal((await broker.stats('q')).ready, 196 * 256);
    assert(delay.percentile(90) < 50e6, `${delay.percentile(90) / 1e6} ms`);
  });

  it('refuses one impossible request and keeps those that came with it', async () => {
    const broker = await open();
    const [good, bad, better] = await Promise.allSettled([
      broker.enqueue('q', batch(job())),
      broker.enqueue('q', { ...batch(job()), notAfterAt: 1e300 }),
      broker.enqueue('q', batch(job())),
    ]);
    assert.equal(good.status === 'rejected' ? good.reason.message : good.status, 'fulfilled');
    assert.equal(bad.status === 'rejected' && bad.reason.disposition, 'refused');
    assert.equal(better.status, 'fulfilled');
    assert.equal((await broker.stats('q')).ready, 2);
    assert(broker.up);
  });

  describe('on a full disk', () => {
    let mounted = '';

    before(function () {
      if (process.getuid?.() === 0) return;
      console.log('      skipped: mounting a small file system needs root');
      this.skip();
    });

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((broker) => broker.close()));
      if (mounted !== '') execFileSync('umount', [mounted]);
      mounted = '';
    });

    it('refuses enqueues, goes on settling, and takes jobs again when there is room', async function () {
      this.timeout(60_000);
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'forkloop-test', directory], {
          stdio: 'pipe',
        });
      } catch {
        console.log('      skipped: this machine does not let us mount a file system');
        return this.skip();
      }
      mounted = directory;
      const broker = await open();
      const large = () =>
        batch(...Array.from({ length: 20 }, () => job({ input: JSON.stringify('x'.repeat(5_000)) })));
      let stored = 0;
      const fillUp = async () => {
        for (;;) {
          await broker.enqueue('q', large());
          stored += 20;
        }
      };
      const { watermark } = await broker.watermark('q', { schedule: 's' });
      const tick = { schedule: 's', previous: watermark.tick, tick: watermark.tick + 1, record: job() };
      await assert.rejects(fillUp(), { code: 'ERR_BROKER_FULL', disposition: 'refused' });
      await assert.rejects(broker.fire('q', tick), { code: 'ERR_BROKER_FULL', disposition: 'refused' });
      assert(stored >= 200, `${stored} jobs fitted`);
      const exchange = await daemonOf(broker);
      let settle: { type: 'ack'; token: string }[] = [];
      for (let done = 0; done < stored; done += settle.length) {
        const reply = await exchange({ settle, want: 30 });
        settle = reply.jobs.map(({ token }) => ({ type: 'ack', token }));
        assert(settle.length > 0, `${done} of ${stored} claimed`);
      }
      assert.equal((await exchange({ settle })).refusedAcks, 0);
      assert.equal((await broker.stats('q')).counters.completed, stored);
      await broker.sweep('q', { leaseMs: 30_000 });
      await broker.enqueue('q', large());
      assert.equal((await broker.fire('q', tick)).watermark?.tick, tick.tick);
      assert.equal((await broker.stats('q')).ready, 21);
    });
  });

  it('answers no more results at once than a batch may hold, and the first of them for certain', async () => {
    const broker = await open();
    const json = JSON.stringify('x'.repeat(3 * 1024 * 1024));
    const exchange = await daemonOf(broker);
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) {
      const record = job({ keepResult: true });
      ids.push(recordId(record));
      await broker.enqueue('q', batch(record));
      const [claimed] = (await exchange({ want: 1 })).jobs;
      const result = { json, ttlMs: 60_000 };
      await exchange({ settle: [{ type: 'ack', token: claimed?.token ?? '', result }] });
    }
    const results = await broker.results('q', [newId(), ...ids]);
    assert.deepEqual(results.slice(1, 3), [json, json]);
    assert(results.slice(3).every((result) => result === null));
    assert.deepEqual(await broker.results('q', ids.slice(2, 3)), [json]);
  });

  it('forgets batches and results that are past their time, also of a queue that nobody serves', async () => {
    let shift = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + shift };
    const broker = new EmbeddedBroker({ path, callDeadlineMs: 10_000, clock });
    opened.push(broker);
    await broker.start();
    const unserved = batch(job());
    await broker.enqueue('unserved', unserved);
    shift = 3_600_000;
    await broker.sweep('q', { leaseMs: 30_000 });
    shift = 0; // the clock steps back: the batch is not let in a second time
    assert.equal((await broker.enqueue('unserved', unserved)).status, 'late');
    await broker.close();
    const count = `new (require('libsql'))(${JSON.stringify(path)}).prepare('select count(*) from mark').raw().get()[0]`;
    assert.equal(execFileSync(process.execPath, ['-p', count], { encoding: 'utf8' }), '0\n');

    const again = await open();
    assert.equal((await again.enqueue('unserved', unserved)).status, 'late');
  });

  describe('lent to other processes', () => {
    const serve = async () => {
      const broker = await open();
      const socket = join(directory, 'broker.sock');
      const server = serveBroker({ broker, path: socket, clock: systemClock, log: silentLogger });
      await server.start();
      return { broker, socket, server, stop: () => server.stop(AbortSignal.timeout(1_000)) };
    };

    it('takes batches of 4 MiB from another process, which ends by itself', async () => {
      const { broker, socket, stop } = await serve();
      const child = run('enqueue-by-socket', socket, 'q', '3', String(4 * 1024 * 1024));
      const [code] = await once(child, 'close');
      assert.equal(code, 0);
      assert.equal((await broker.stats('q')).ready, 3 * 256);
      await stop();
    });

    it('answers every verb of a client as the broker itself does', async () => {
      const { broker, socket, stop } = await serve();
      const client = openBrokerClient({ type: 'embedded', path: '', socket });
      const records = [job({ unique: 'k' }), job({ unique: 'k' })];
      const reply = await client.enqueue('q', batch(...records));
      assert.deepEqual(reply.status === 'stored' && reply.existing, [null, recordId(records[0] ?? '')]);
      assert(client.up);
      assert.deepEqual(
        await client.find('q', recordId(records[0] ?? '')),
        await broker.find('q', recordId(records[0] ?? '')),
      );
      assert.deepEqual(
        await client.list('q', { state: 'ready', limit: 9 }),
        await broker.list('q', { state: 'ready', limit: 9 }),
      );
      assert.equal((await client.stats('q')).ready, 1);
      assert.deepEqual(await client.results('q', [newId()]), [null]);
      await client.close();
      await assert.rejects(client.stats('q'), { code: 'ERR_BROKER_UNAVAILABLE', disposition: 'refused' });
      await stop();
    });

    it('refuses a client while no daemon runs, and serves it when one does', async () => {
      const socket = join(directory, 'broker.sock');
      const client = openBrokerClient({ type: 'embedded', path: '', socket });
      await client.start();
      const refused = {
        code: 'ERR_BROKER_UNAVAILABLE',
        disposition: 'refused',
        message: /no daemon listens/,
      };
      await assert.rejects(client.stats('q'), refused);
      const first = await serve();
      assert.equal((await client.stats('q')).ready, 0);
      await first.stop();
      await assert.rejects(client.stats('q'));
      assert(!client.up);
      await first.server.start();
      assert.equal((await client.stats('q')).ready, 0);
      await client.close();
      await first.stop();
    });

    it('ends the call of a client with "unknown" when the daemon dies in the middle', async () => {
      const { broker, socket, server, stop } = await serve();
      let asked = () => {};
      const arrived = new Promise<void>((resolve) => {
        asked = resolve;
      });
      broker.stats = () => {
        asked();
        return new Promise(() => {});
      };
      const client = openBrokerClient({ type: 'embedded', path: '', socket });
      const pending = assert.rejects(client.stats('q'), { name: 'BrokerError', disposition: 'unknown' });
      await arrived;
      await server.stop(AbortSignal.timeout(1));
      await pending;
      await client.close();
      await stop();
    });

    it('ends the call of a client within its deadline when the daemon is stopped', async () => {
      const { broker, socket, stop } = await serve();
      broker.stats = () => new Promise(() => {});
      const client = openBrokerClient({ type: 'embedded', path: '', socket });
      const start = performance.now();
      await assert.rejects(client.stats('q'), { name: 'BrokerError', disposition: 'unknown' });
      assert(performance.now() - start < 5_000);
      assert(!client.up);
      await client.close();
      await stop();
    });

    it('closes the connection of somebody who speaks something else', async () => {
      const { socket, stop } = await serve();
      const { connect } = await import('node:net');
      for (const line of [
        'GET / HTTP/1.1',
        '{}',
        '{"id":1,"verb":"purge","queue":"q","argument":null}',
        '[]',
        'null',
      ]) {
        const raw = connect(socket);
        raw.on('error', () => {});
        raw.write(`${line}\n`);
        await once(raw.resume(), 'close');
      }
      await stop();
    });
  });

  it('that cannot write any more refuses everything and says why, and has what it acknowledged', async () => {
    const child = run('write-until-it-fails', path);
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 0, text);
    const { acknowledged, pending, later, failure, up } = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual([pending, later, up], ['unknown', 'refused', false]);
    assert.match(String(failure), /^ERR_BROKER_UNAVAILABLE the embedded store .* failed: /);
    const { ready } = await (await open()).stats('q');
    assert(ready >= Number(acknowledged), `${ready} of ${acknowledged}`);
  });
});

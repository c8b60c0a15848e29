import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'libsql';
import { openDatabase } from '../../../src/broker/embedded/database.ts';
import type { StoreRequest } from '../../../src/broker/embedded/messages.ts';
import { Store } from '../../../src/broker/embedded/store.ts';
import { newId } from '../../../src/lib/ids.ts';

const START = Date.UTC(2026, 0, 1);
const LATER = START + 3_600_000;

describe('marks and results that are past their time', () => {
  let directory = '';
  let database: Database.Database;
  let store: Store;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'forkloop-purge-'));
    store = new Store(join(directory, 'jobs.db'), START, (path) => {
      database = openDatabase(path);
      return database;
    });
  });
  afterEach(async () => {
    store.close();
    await rm(directory, { recursive: true });
  });

  const count = (table: 'mark' | 'result') =>
    (database.prepare(`select count(*) from ${table}`).raw().get() as [number])[0];
  const apply = (...requests: readonly Pick<StoreRequest, 'verb' | 'now' | 'argument'>[]) =>
    store.apply(requests.map((request, id) => ({ id, queue: 'q', ...request }) as StoreRequest));
  const batches = (now: number, many: number) =>
    Array.from({ length: many }, () => ({
      verb: 'enqueue' as const,
      now,
      argument: { id: newId(), notAfterAt: now, jobs: [] },
    }));
  const sweep = { verb: 'sweep' as const, now: LATER, argument: { leaseMs: 30_000 } };
  const stats = { verb: 'stats' as const, now: LATER, argument: null };

  it('go in steps that nobody waits for: the transactions after a sweep take up what it left', () => {
    apply(...batches(START, 7_000));
    database.exec(`insert into result (id, queue, until, json) select batch, 1, ${START}, '{}' from mark`);
    apply(sweep);
    assert.deepEqual([count('mark'), count('result')], [5_000, 5_000]);
    for (let n = 0; n < 3; n++) apply(stats);
    assert.deepEqual([count('mark'), count('result')], [0, 0]);
  });

  it('go twice as fast as others come', () => {
    apply(...batches(START, 12_000));
    apply(sweep);
    apply(...batches(LATER, 3_000));
    assert.equal(count('mark'), 12_000 - 2_000 - 6_000 + 3_000);
  });

  it('stay when the transaction is taken back, until the next sweep', () => {
    apply(...batches(START, 5_000));
    apply(sweep);
    const [broken] = batches(LATER, 1);
    apply({ ...broken!, argument: { ...broken!.argument, jobs: null as never } });
    apply(stats);
    assert.equal(count('mark'), 3_000);
    apply(sweep);
    assert.equal(count('mark'), 1_000);
  });
});

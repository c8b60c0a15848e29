import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { cachePath, EtaCache, FRESH_MS, purge } from '../../../examples/tracking/eta/cache.ts';
import { combine, keyOf } from '../../../examples/tracking/eta/combine.ts';
import { replyTo } from '../../../examples/tracking/eta/stand-in.ts';

const question = {
  from: { lat: 48.85, lng: 2.35 },
  to: { lat: 48.87, lng: 2.29 },
  at: '2025-03-03T08:00:00.000Z',
};
const route = { distance_m: 6_000.4, duration_s: 600 };

const combinations: readonly (readonly [
  name: string,
  factor: number,
  confidence: number,
  duration: number,
])[] = [
  ['an empty road', 1, 1, 600],
  ['a road twice as slow', 2, 1, 1_200],
  ['a report that is half sure', 2, 0.5, 900],
  ['a report that is not sure at all', 3, 0, 600],
  ['a road faster than empty', 0.9, 1, 540],
  ['an impossible report', 100, 1, 2_400],
  ['a negative report', -5, 1, 480],
  ['more confidence than there is', 2, 7, 1_200],
];

describe('combining route and traffic', () => {
  for (const [name, factor, confidence, duration] of combinations) {
    it(`believes ${name} as far as it should`, () => {
      assert.deepEqual(combine(question, route, { factor, confidence }), {
        distance_m: 6_000,
        duration_s: duration,
        arrives_at: new Date(Date.parse(question.at) + duration * 1_000).toISOString(),
        delay_s: duration - 600,
      });
    });
  }

  it('takes questions of the same places and five minutes for one', () => {
    const near = { ...question, from: { lat: 48.850_004, lng: 2.35 }, at: '2025-03-03T08:04:59.000Z' };
    assert.equal(keyOf(near), keyOf(question));
    assert.notEqual(keyOf({ ...question, at: '2025-03-03T08:05:00.000Z' }), keyOf(question));
    assert.notEqual(keyOf({ ...question, from: question.to, to: question.from }), keyOf(question));
  });
});

describe('the stand-in services', () => {
  const target = (path: string, at = question.at) => `${path}?from=48.85,2.35&to=48.87,2.29&at=${at}`;
  const delay = { shortest: 50, longest: 250 };

  it('answer the same question alike, with the same delay', () => {
    assert.deepEqual(replyTo(target('/route'), delay, 1), replyTo(target('/route'), delay, 1));
  });

  it('think as long as they are told', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom('/route', '/traffic'), (seed, path) => {
        const { delayMs } = replyTo(target(path), delay, seed);
        assert.ok(delayMs >= 50 && delayMs <= 250);
      }),
    );
  });

  it('know a plausible way and the rush hour', () => {
    const { body } = replyTo(target('/route'), delay, 1);
    assert.deepEqual(body, { distance_m: 6_643, duration_s: 604 });
    const factorAt = (at: string) =>
      (replyTo(target('/traffic', at), delay, 1).body as { factor: number }).factor;
    assert.ok(factorAt('2025-03-03T08:00:00Z') > factorAt('2025-03-03T03:00:00Z') + 0.5);
  });

  for (const bad of [
    '/route',
    '/route?from=1,2&to=3&at=2025-03-03',
    '/traffic?from=99,2&to=3,4&at=2025-03-03',
    '/route?from=1,2&to=3,4&at=soon',
  ]) {
    it(`refuse ${bad}`, () => assert.equal(replyTo(bad, delay, 1).status, 400));
  }

  it('do not know other paths', () => assert.equal(replyTo('/weather', delay, 1).status, 404));
});

describe('the cache of predictions', () => {
  let folder: string;
  let path: string;
  const eta = combine(question, route, { factor: 1, confidence: 1 });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forkloop-eta-'));
    path = join(folder, 'cache.ndjson');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is empty at first, then knows what it was told', async () => {
    const cache = new EtaCache(path);
    assert.equal(await cache.get('a'), null);
    await cache.put('a', eta);
    assert.deepEqual(await cache.get('a'), eta);
    assert.deepEqual(await new EtaCache(path).get('a'), eta);
  });

  it('sees what another worker adds, and no half line', async () => {
    const [one, two] = [new EtaCache(path), new EtaCache(path)];
    await one.put('a', eta);
    assert.deepEqual(await two.get('a'), eta);
    const line = JSON.stringify({ key: 'b', stored: Date.now(), eta });
    await appendFile(path, line.slice(0, 30));
    assert.equal(await two.get('b'), null);
    await appendFile(path, `${line.slice(30)}\n`);
    assert.deepEqual(await two.get('b'), eta);
  });

  it('forgets what is no longer fresh', async () => {
    let now = 1_000_000;
    const cache = new EtaCache(path, () => now);
    await cache.put('a', eta);
    now += FRESH_MS - 1;
    assert.deepEqual(await cache.get('a'), eta);
    now += 1;
    assert.equal(await cache.get('a'), null);
  });

  it('is purged of stale, repeated and broken lines, and readers follow', async () => {
    let now = 1_000_000;
    const cache = new EtaCache(path, () => now);
    await cache.put('old', eta);
    now += 100;
    await cache.put('new', eta);
    await cache.put('new', { ...eta, distance_m: 1 });
    await appendFile(path, 'rubbish\n');
    assert.deepEqual(await purge(path, 100, now), { kept: 1, dropped: 3 });
    assert.equal(await cache.get('old'), null);
    assert.equal((await cache.get('new'))?.distance_m, 1);
    assert.deepEqual(await readdir(folder), ['cache.ndjson']);
  });

  it('is not rewritten when nothing is stale, and may be missing', async () => {
    assert.deepEqual(await purge(path, 100), { kept: 0, dropped: 0 });
    await new EtaCache(path, () => 50).put('a', eta);
    const before = await readFile(path, 'utf8');
    assert.deepEqual(await purge(path, 100, 60), { kept: 1, dropped: 0 });
    assert.equal(await readFile(path, 'utf8'), before);
  });

  it('costs time only when its file cannot be used', async () => {
    await writeFile(join(folder, 'file'), '');
    const cache = new EtaCache(join(folder, 'file', 'cache.ndjson'));
    await cache.put('a', eta);
    assert.deepEqual(await cache.get('a'), eta);
  });

  it('is where the environment says', () => {
    assert.equal(cachePath({ TRACKING_CACHE: '/x/y' }), '/x/y');
    assert.match(cachePath({}), /forkloop-tracking-eta\.ndjson$/);
  });
});

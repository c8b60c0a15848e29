import assert from 'node:assert/strict';
import type { LoadedConfig } from '../../../src/config/load.ts';
import { configSchema } from '../../../src/config/schema.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { LoadedAgain } from '../../../src/supervisor/config-loader.ts';
import { Reloader } from '../../../src/supervisor/reloader.ts';

const base = {
  version: 1,
  tasks: ['a.js'],
  pools: {
    cpu: { kind: 'process', workers: 2, queues: ['heavy'] },
    io: { kind: 'async', queues: ['light'] },
  },
};

function loaded(change: Record<string, unknown> = {}): LoadedConfig {
  return {
    path: '/s.yaml',
    config: configSchema.parse({ ...base, ...change }),
    modules: ['/a.js'],
    warnings: [],
    report: '',
  };
}

/** A reloader whose file, code and pools are what the test says. `did` tells what was applied, in order. */
function setUp({ failing = [] as string[] } = {}) {
  const did: string[] = [];
  const world = { file: { type: 'loaded', loaded: loaded() } as LoadedAgain, code: 'v1', failing };
  let hold: Promise<void> = Promise.resolve();
  const applyHot = () => void did.push('hot');
  const roll = async (pool: string, _next: LoadedConfig, generation: number) => {
    if (world.failing.includes(pool)) throw new Error('its module throws');
    did.push(`roll ${pool} to ${generation}`);
  };
  const reloader = new Reloader({
    loaded: loaded(),
    load: async () => {
      did.push('load');
      await hold;
      return world.file;
    },
    fingerprint: () => world.code,
    target: { applyHot, roll },
    log: silentLogger,
  });
  const edit = (change: Record<string, unknown>) => {
    world.file = { type: 'loaded', loaded: loaded(change) };
  };
  const holdLoads = (until: Promise<void>) => {
    hold = until;
  };
  return { reloader, world, did, edit, holdLoads };
}

const hotChange = { log: { level: 'debug' } };
const rollChange = { pools: { ...base.pools, io: { ...base.pools.io, concurrency: 7 } } };
const restartChange = { namespace: 'other' };

describe('the reloader', () => {
  it('does nothing when nothing has changed', async () => {
    const { reloader, did } = setUp();
    const { outcome, generation } = await reloader.reload(false);
    assert.deepEqual([outcome, generation, did], ['unchanged', 1, ['load']]);
  });

  it('applies what takes no roll at once, and counts the generation', async () => {
    const { reloader, did, edit } = setUp();
    edit(hotChange);
    const { outcome, generation } = await reloader.reload(false);
    assert.deepEqual([outcome, generation, did], ['applied', 2, ['load', 'hot']]);
    assert.equal((await reloader.reload(false)).outcome, 'unchanged');
  });

  it('rolls the pools that need it, before anything hot', async () => {
    const { reloader, did, edit } = setUp();
    edit({ ...rollChange, ...hotChange });
    await reloader.reload(false);
    assert.deepEqual(did, ['load', 'roll io to 2', 'hot']);
  });

  it('rolls every pool for edited code, and when it is told to', async () => {
    const edited = setUp();
    edited.world.code = 'v2';
    assert.equal((await edited.reloader.reload(false)).outcome, 'applied');
    assert.deepEqual(edited.did, ['load', 'roll cpu to 2', 'roll io to 2', 'hot']);
    assert.equal((await edited.reloader.reload(false)).outcome, 'unchanged');
    const told = setUp();
    await told.reloader.reload(true);
    assert.deepEqual(told.did, ['load', 'roll cpu to 2', 'roll io to 2', 'hot']);
  });

  it('changes nothing for an invalid file, and tells its problems', async () => {
    const { reloader, world, did } = setUp();
    world.file = { type: 'invalid', report: 's.yaml:3:1: error: …' };
    const { outcome, message, generation } = await reloader.reload(true);
    assert.deepEqual([outcome, message, generation, did], ['invalid', 's.yaml:3:1: error: …', 1, ['load']]);
    assert.equal(reloader.last?.outcome, 'invalid');
  });

  it('changes nothing when one change needs a restart, and names it', async () => {
    const { reloader, did, edit } = setUp();
    edit({ ...hotChange, ...restartChange });
    const { outcome, message } = await reloader.reload(false);
    assert.deepEqual([outcome, did], ['restart_needed', ['load']]);
    assert.match(message, /namespace/);
  });

  it('keeps the old configuration when a pool cannot be rolled, and tries again the next time', async () => {
    const { reloader, world, did, edit } = setUp({ failing: ['io'] });
    edit({ ...rollChange, ...hotChange });
    const { outcome, message, generation } = await reloader.reload(false);
    assert.deepEqual([outcome, generation, did], ['failed', 1, ['load']]);
    assert.match(message, /pool io keeps its workers: its module throws/);
    world.failing = [];
    assert.equal((await reloader.reload(false)).outcome, 'applied');
  });

  it('only tells the plan in a dry run', async () => {
    const { reloader, did, edit } = setUp();
    edit(rollChange);
    const { outcome, changes } = await reloader.plan(false);
    assert.deepEqual(
      [outcome, changes.map(({ path }) => path), did],
      ['planned', ['pools.io.concurrency'], ['load']],
    );
    assert.equal(reloader.last, null);
  });

  it('does at one time what is asked for while it works, once, with the file as it is then', async () => {
    const { reloader, did, edit, holdLoads } = setUp();
    let release = () => {};
    holdLoads(
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    edit(hotChange);
    const first = reloader.reload(false);
    const later = [reloader.reload(false), reloader.reload(true), reloader.reload(false)];
    release();
    assert.equal((await first).outcome, 'applied');
    assert.deepEqual(
      (await Promise.all(later)).map(({ outcome }) => outcome),
      Array(3).fill('applied'),
    );
    assert.deepEqual(did.filter((what) => what === 'load').length, 2);
  });

  it('goes on after a reload that failed in an unknown way', async () => {
    const { reloader, did, edit, holdLoads } = setUp();
    edit(hotChange);
    let fail!: (error: Error) => void;
    holdLoads(
      new Promise((_, reject) => {
        fail = reject;
      }),
    );
    const [first, second] = [reloader.reload(false), reloader.reload(false)];
    const failed = assert.rejects(first, /no thread/);
    await Promise.resolve();
    holdLoads(Promise.resolve());
    fail(new Error('no thread'));
    await failed;
    assert.equal((await second).outcome, 'applied');
    assert.deepEqual(did, ['load', 'load', 'hot']);
  });
});

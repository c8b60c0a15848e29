import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { combine, type RouteAnswer, type TrafficAnswer } from '../../examples/tracking/eta/combine.ts';
import { replyTo } from '../../examples/tracking/eta/stand-in.ts';
import { ROOT, withSupervisor } from '../support/with-supervisor.ts';

const SERVICES = resolve(ROOT, 'examples/tracking/eta/services.js');
const DELAY = { shortest: 5, longest: 20 };
const question = {
  from: { lat: 48.85, lng: 2.35 },
  to: { lat: 48.87, lng: 2.29 },
  at: '2025-03-03T08:00:00.000Z',
};

/** What the services answer to it, put together here. */
function expectedEta(seed: number): object {
  const query = new URLSearchParams({ from: '48.85,2.35', to: '48.87,2.29', at: question.at });
  const [route, traffic] = ['/route', '/traffic'].map(
    (path) => replyTo(`${path}?${query}`, DELAY, seed).body,
  );
  return combine(question, route as RouteAnswer, traffic as TrafficAnswer);
}

describe('predicting arrivals', function () {
  this.timeout(60_000);
  let services: ChildProcess;
  let url: string;
  before(async () => {
    services = spawn(process.execPath, [SERVICES, '--port', '0', '--delay-ms', '5..20', '--seed', '7'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    [url] = (await once(createInterface({ input: services.stdout! }), 'line')) as [string];
  });
  after(async () => {
    services.kill('SIGTERM');
    const [code] = (await once(services, 'exit')) as [number | null];
    assert.equal(code, 0, 'the services end by themselves');
  });

  const pools = (kind: object, services: string, cache: string) => ({
    all: {
      ...kind,
      queues: ['eta', 'maintenance'],
      env: { TRACKING_SERVICES_URL: services, TRACKING_CACHE: cache },
    },
  });
  const tasks = [resolve(ROOT, 'examples/tracking/tasks/*')];

  for (const kind of [
    { kind: 'process', workers: 1 },
    { kind: 'async', host: 'thread' },
    { kind: 'async', host: 'process' },
  ]) {
    it(`asks both services, remembers and forgets, in ${JSON.stringify(kind)}`, () =>
      // Workers see the variable of the pool, not the daemon's; the cache's path starts where they work.
      withSupervisor({ tasks, pools: pools(kind, url, 'eta.ndjson') }, async (daemon) => {
        const answer = await daemon.cli(
          'enqueue',
          'eta.predict',
          JSON.stringify(question),
          '--wait',
          '--timeout',
          '20s',
        );
        assert.equal(answer.code, 0, answer.stderr);
        assert.match(
          answer.stdout,
          new RegExp(`"distance_m": ?${(expectedEta(7) as { distance_m: number }).distance_m}`),
        );
        const [line] = (await readFile(join(daemon.folder, 'eta.ndjson'), 'utf8')).split('\n');
        assert.deepEqual((JSON.parse(line!) as { eta: object }).eta, expectedEta(7));

        const purged = await daemon.cli(
          'enqueue',
          'maintenance.purge',
          '{"older_than_s": 0}',
          '--wait',
          '--timeout',
          '20s',
        );
        assert.equal(purged.code, 0, purged.stderr);
        assert.equal(await readFile(join(daemon.folder, 'eta.ndjson'), 'utf8'), '');
      }));
  }

  it('ends dead at once where no services are named', () =>
    withSupervisor({ tasks, pools: { all: { kind: 'async', queues: ['eta'] } } }, async (daemon) => {
      const answer = await daemon.cli(
        'enqueue',
        'eta.predict',
        JSON.stringify(question),
        '--wait',
        '--timeout',
        '20s',
      );
      assert.equal(answer.code, 5);
      assert.match(answer.stdout + answer.stderr, /TRACKING_SERVICES_URL is not set/);
    }));

  for (const [why, args] of [
    ['a delay that is no range', ['--delay-ms', '5']],
    ['a port that is none', ['--port', '70000']],
    ['an unknown option', ['--slow']],
  ] as const) {
    it(`has services that refuse ${why}`, async () => {
      const child = spawn(process.execPath, [SERVICES, ...args], { stdio: 'ignore' });
      assert.deepEqual(await once(child, 'exit'), [64, null]);
    });
  }
});

/**
 * Proves how soon jobs run again after `kill -9`, on real processes: of a worker; of a daemon, on another daemon and on its
 * successor. Each is done so many times; a line each with the median, the longest and the bound, and 1 when the longest is
 * above its bound. The leases are the shortest that the configuration allows: the bound of another daemon is theirs.
 *
 *     npm run prove:recovery -- [--times 10]
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countOf, readOptions } from '../test/support/command-line.ts';
import {
  BOUND_MS,
  HEARTBEAT_MS,
  killDaemon,
  killWorker,
  LEASE_MS,
  recoveryConfig,
  restartDaemon,
} from '../test/support/recovery.ts';
import { startRedis } from '../test/support/redis-server.ts';
import { withSupervisor } from '../test/support/with-supervisor.ts';
import { quantile } from './proof/quantile.ts';

const USAGE = `Usage: npm run prove:recovery -- [options]

How soon jobs run again after kill -9 of a worker, and of a daemon: on another one, on its successor.
1 when one took longer than its bound.

  --times N   each of them (10)
`;
const values = readOptions(USAGE, { times: { type: 'string', default: '10' } });
const times = countOf(values, 'times');

const folder = await mkdtemp(join(tmpdir(), 'fl-'));
const history = join(folder, 'runs.ndjson');
await writeFile(history, '');
const server = await startRedis();
try {
  const configOf = (name: string) => recoveryConfig(name, history, { type: 'redis', url: server.url });
  console.log(`lease ${LEASE_MS} ms, heartbeat ${HEARTBEAT_MS} ms, each ${times} times`);
  const within = await withSupervisor(configOf('a'), async (a) => {
    const worker = await repeat('a worker is killed', BOUND_MS.worker, () => killWorker(a, history));
    const restart = await repeat('a daemon is killed and started again', BOUND_MS.restart, () =>
      restartDaemon(a, history),
    );
    const elsewhere = await withSupervisor(configOf('b'), (b) =>
      repeat('a daemon is killed, another takes its jobs', BOUND_MS.elsewhere, () =>
        killDaemon({ a, b }, history),
      ),
    );
    return worker && restart && elsewhere;
  });
  process.exitCode = within ? 0 : 1;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Whether all of them were within the bound. */
async function repeat(what: string, boundMs: number, measure: () => Promise<number>): Promise<boolean> {
  const taken: number[] = [];
  for (let n = 0; n < times; n++) taken.push(await measure());
  const [median, longest] = [quantile(taken, 0.5), quantile(taken, 1)];
  console.log(
    `${what}: runs again after ${median.toFixed(0)} ms, longest ${longest.toFixed(0)} ms, bound ${boundMs} ms`,
  );
  return longest <= boundMs;
}

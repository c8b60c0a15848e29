/** The broker's password is in none of the places where people and programs look. */

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '../../src/index.ts';
import { plainClient } from '../support/redis-broker.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { ROOT, withSupervisor } from '../support/with-supervisor.ts';

const SECRET = 'geheim-7Qx9';
const OTHER = 'anders-2Wv4';

describeRedis('the password of the broker', () => {
  let server: RedisServer;

  before(async () => {
    server = await startRedis({ args: ['--requirepass', SECRET] });
  });
  after(() => server?.stop());

  it('is told by no command, no log line, no error, and not to user code', async () => {
    const withPassword = (password: string) => server.url.replace('//', `//:${password}@`);
    const url = withPassword(SECRET);
    const tasks = [join(ROOT, 'test/fixtures/tasks/tell-everything.ts')];
    const pools = {
      forked: { kind: 'process', workers: 1, queues: ['forked'] },
      thread: { kind: 'async', queues: ['thread'] },
      child: { kind: 'async', host: 'process', queues: ['child'] },
    };
    const config = { tasks, pools, broker: { type: 'redis', url: '${BROKER_URL}' }, log: { level: 'debug' } };
    await withSupervisor(
      config,
      async (daemon) => {
        const env = { BROKER_URL: url };
        const seen: [string, string][] = [];
        const look = async (...words: string[]) => {
          const { stdout, stderr } = await daemon.run(words, { env });
          seen.push([words.join(' '), stdout + stderr]);
        };
        process.env['BROKER_URL'] = url;
        await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
        for (const queue of Object.keys(pools)) {
          const told = await (await client.enqueue('tell-everything', null, { queue, result: '1m' })).result({
            timeout: '20s',
          });
          assert.match(String(told), /PATH/);
          seen.push([`user code in ${queue}`, String(told)]);
        }
        for (const words of [
          'status -o json',
          'config show --origin',
          'config show -o json',
          'check',
          'doctor',
          'dump',
        ])
          await look(...words.split(' '));

        // A mistake in the very line, an edit of it, and a password that is refused.
        const good = await readFile(daemon.configPath, 'utf8');
        for (const wrong of [`${url}/x y`, `http://:${SECRET}@h`, `u:${SECRET}@h:1`, withPassword(OTHER)]) {
          await writeFile(daemon.configPath, good.replace('${BROKER_URL}', wrong));
          for (const words of ['check', 'config show', 'reload --dry-run', 'reload', 'doctor'])
            await look(...words.split(' '));
        }
        await writeFile(daemon.configPath, good);
        const admin = await plainClient(url);
        await admin.configSet('requirepass', OTHER);
        await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
        await until(() => /WRONGPASS|password/i.test(daemon.log()), 20_000);
        await look('enqueue', 'tell-everything', '1', '--timeout', '1s');
        await look('status');
        await admin.configSet('requirepass', SECRET);
        admin.destroy();
        seen.push(['the log', daemon.log()]);

        for (const [where, text] of seen) {
          assert.notEqual(text, '', where);
          assert.equal(text.includes(SECRET) || text.includes(OTHER), false, `${where}:\n${text}`);
        }
      },
      { BROKER_URL: url },
    );
  }).timeout(120_000);

  afterEach(() => {
    delete process.env['BROKER_URL'];
  });
});

import assert from 'node:assert/strict';
import { describeRedis, type RedisServer } from '../support/redis-server.ts';
import { redisForSimulation } from './redis-for-simulation.ts';
import { simulate } from './simulate.ts';

const GROUP = 20;

describeRedis('the simulation of many processes, a faulty network and Redis', () => {
  let server: RedisServer;
  let socket = '';

  before(async () => {
    ({ server, socket } = await redisForSimulation());
  });

  after(async () => {
    await server.stop();
  });

  it('has one history for one seed', async function () {
    this.timeout(60_000);
    const [once, again] = [await simulate({ seed: 3, on: socket }), await simulate({ seed: 3, on: socket })];
    assert.deepEqual(again, once);
    assert(once.operations > 100);
    assert.notEqual((await simulate({ seed: 4, on: socket })).digest, once.digest);
  });

  for (let first = 1; first <= 100; first += GROUP) {
    it(`finds no violation with the real scripts, seeds ${first} to ${first + GROUP - 1}`, async function () {
      this.timeout(180_000);
      for (let seed = first; seed < first + GROUP; seed++) {
        const { violation } = await simulate({ seed, on: socket });
        assert.equal(
          violation,
          null,
          `npm run simulate -- --broker redis --first ${seed} --seeds 1 --trace: ${violation?.message}`,
        );
      }
    });
  }
});

import assert from 'node:assert/strict';
import { describeRedis, type RedisServer } from '../support/redis-server.ts';
import { buildMutant, hunt } from './mutant-build.ts';
import { MUTANTS, type Mutant } from './mutants.ts';
import { redisForSimulation } from './redis-for-simulation.ts';
import { StoreDisk } from './store-disk.ts';

/** Enough to find another one when the seed that is noted has got another history. */
const SEEDS = 60;

/** In files of their own, which run beside each other. */
export function describeMutants(title: string, isMeant: (mutant: Mutant) => boolean): void {
  describeRedis(`the simulation catches each of these mistakes ${title}`, () => {
    let server: RedisServer;
    let socket = '';
    let disk: StoreDisk;

    before(async () => {
      ({ server, socket } = await redisForSimulation());
      disk = new StoreDisk();
    });

    after(async () => {
      await server.stop();
      disk[Symbol.dispose]();
    });

    it('refuses a mistake whose place is not there', async () => {
      const mutant = { ...MUTANTS.find(isMeant)!, find: 'a text that no script has' };
      await assert.rejects(buildMutant(mutant), /is 0 times in src/);
    });

    for (const mutant of MUTANTS.filter(isMeant)) {
      it(mutant.name, async function () {
        this.timeout(300_000);
        const { seed, tried } = await hunt(mutant, mutant.store === 'embedded' ? disk : socket, SEEDS);
        assert.notEqual(seed, null, `it survived ${tried} seeds`);
      });
    }
  });
}

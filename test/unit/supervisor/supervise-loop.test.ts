import assert from 'node:assert/strict';
import { createLogger, silentLogger } from '../../../src/lib/logger.ts';
import { SuperviseLoop } from '../../../src/supervisor/supervise-loop.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('the supervise loop', () => {
  it('goes round every second, and its age tells', async () => {
    const clock = new FakeClock();
    const rounds: number[] = [];
    const loop = new SuperviseLoop({ looks: [(now) => rounds.push(now)], clock, log: silentLogger });
    await loop.start();
    await clock.advance(3_500);
    assert.deepEqual(rounds, [1_000, 2_000, 3_000]);
    assert.equal(loop.ageMs, 500);
    await loop.stop();
    await clock.advance(10_000);
    assert.equal(rounds.length, 3);
    assert.equal(loop.ageMs, 10_500);
    assert.equal(clock.pending, 0);
  });

  it('grows old when a look fails, and says why', async () => {
    const clock = new FakeClock();
    const logged: string[] = [];
    const log = createLogger((level, message) => logged.push(`${level}: ${message}`));
    const broken = () => {
      throw new Error('broken');
    };
    const loop = new SuperviseLoop({ looks: [broken], clock, log });
    await loop.start();
    await clock.advance(5_000);
    assert.equal(loop.ageMs, 5_000);
    assert.equal(logged.length, 5);
    await loop.stop();
  });

  it('looks out of turn when asked to', async () => {
    const clock = new FakeClock();
    let rounds = 0;
    const loop = new SuperviseLoop({ looks: [() => rounds++], clock, log: silentLogger });
    loop.look();
    assert.equal(rounds, 1);
  });
});

import { describeClaim } from './broker/claim.ts';
import { describeEnqueue } from './broker/enqueue.ts';
import { describeExchange } from './broker/exchange.ts';
import { describeHistory } from './broker/history.ts';
import { describeInspect } from './broker/inspect.ts';
import { describeLease } from './broker/lease.ts';
import { describeOperator } from './broker/operator.ts';
import { describePause } from './broker/pause.ts';
import { describePayload } from './broker/payload.ts';
import { describeSchedules } from './broker/schedules.ts';
import { describeSettle } from './broker/settle.ts';
import { describeWait } from './broker/wait.ts';
import { type BrokerFixture, World } from './broker/world.ts';

export type { BrokerFixture } from './broker/world.ts';

/**
 * What every broker must do, told through broker.ts alone. `open` gives each test a started broker on an empty store,
 * whose clock `advance` moves (real time may pass besides: nothing here depends on it standing still).
 */
export function brokerContract(name: string, { open }: { open(): Promise<BrokerFixture> }): void {
  describe(`${name} keeps the broker contract`, () => {
    let fixture: BrokerFixture | undefined;

    afterEach(async () => {
      await fixture?.dispose();
      fixture = undefined;
    });

    const world = async (): Promise<World> => {
      fixture = await open();
      return new World(fixture);
    };

    describeEnqueue(world);
    describeClaim(world);
    describeSettle(world);
    describeExchange(world);
    describeLease(world);
    describeInspect(world);
    describeSchedules(world);
    describePause(world);
    describeOperator(world);
    describeWait(world);
    describePayload(world);
    describeHistory(world);
  });
}

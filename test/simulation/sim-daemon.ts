import type { Broker } from '../../src/broker/broker.ts';
import { Consumer } from '../../src/consumer/consumer.ts';
import { LeaseKeeper } from '../../src/consumer/lease-keeper.ts';
import { SuspectTurn } from '../../src/consumer/suspect-turn.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Schedule } from '../../src/scheduler/schedule.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import { leaseTiming } from '../../src/supervisor/lease-timing.ts';
import { type DaemonNote, takeOver } from '../../src/supervisor/predecessor.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';
import { Sweeper } from '../../src/supervisor/sweeper.ts';
import { queueSettings } from './load.ts';
import type { Machine } from './machine.ts';
import type { SimPool } from './sim-pool.ts';

export interface SimDaemonOptions {
  readonly machine: Machine;
  readonly broker: Broker;
  readonly pool: SimPool;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly schedules: readonly Schedule[];
  readonly onSession: (queue: string, daemon: string) => void;
  /** What its predecessor held, if that is known to be gone. */
  readonly predecessor: DaemonNote | null;
}

/** The product's daemon on a simulated machine: what `build` wires, with another pool, broker and clock. */
export class SimDaemon {
  readonly machine: Machine;
  readonly pool: SimPool;
  readonly supervisor: Supervisor;
  readonly scheduler: Scheduler;
  /** What it would have noted for its successor. */
  readonly sessions: Record<string, string> = {};
  readonly consumer: Consumer;
  /** It was told to. */
  isStopping = false;

  constructor(options: SimDaemonOptions) {
    const { machine, broker, pool, leaseMs, heartbeatMs, predecessor } = options;
    const { clock, dice } = machine;
    const parts = { broker, clock, random: dice.random, newId: dice.ids(clock.now), log: silentLogger };
    const timing = leaseTiming(leaseMs, heartbeatMs);
    this.machine = machine;
    this.pool = pool;
    this.consumer = new Consumer({
      ...parts,
      pool,
      queues: pool.queues.map(queueSettings),
      session: { leaseMs, fenceAfterMs: timing.fenceAfterMs, newId: parts.newId },
      suspectTurn: new SuspectTurn(),
      onLeaseLost: 'stop',
      onSession: (queue, daemon) => {
        this.sessions[queue] = daemon;
        options.onSession(queue, daemon);
      },
    });
    const { sessions } = this.consumer;
    const sweeper = new Sweeper({
      ...parts,
      queues: pool.queues,
      leaseMs,
      intervalMs: heartbeatMs,
      rule: timing,
      ownDaemons: () => new Set(sessions.map(({ daemon }) => daemon)),
    });
    this.scheduler = new Scheduler({ ...parts, schedules: () => options.schedules });
    this.supervisor = new Supervisor(
      {
        broker,
        pools: [pool],
        consumers: [this.consumer],
        scheduler: this.scheduler,
        keepers: [sweeper, new LeaseKeeper({ sessions, heartbeatMs, clock })],
        servers: [],
        check: async () => {},
        takeOver: async () => {
          if (predecessor !== null) await takeOver(predecessor, broker, leaseMs, silentLogger);
        },
      },
      { drainTimeoutMs: 3_000, clock, log: silentLogger },
    );
  }
}

import type { Config } from '../config/schema.ts';
import type { DaemonState, DumpReport, HealthReport, StatusReport } from '../control/messages/daemon.ts';
import type { Logger } from '../lib/logger.ts';
import type { Built } from './build.ts';
import { dumpReport, logDump } from './dump-report.ts';
import { liveReport, readyReport } from './health.ts';
import { useOf } from './memory-use.ts';
import type { Supervision } from './supervise.ts';
import { WorkerInspector } from './worker-inspector.ts';

export interface DiagnosisOptions {
  readonly built: Built;
  readonly supervision: Supervision;
  readonly config: () => Config;
  readonly state: () => DaemonState;
  readonly status: () => Promise<StatusReport>;
  readonly log: Logger;
}

/** Tells an operator or a probe how the daemon is, from what this process knows: nothing here waits for the broker. */
export class Diagnosis {
  readonly #options: DiagnosisOptions;

  constructor(options: DiagnosisOptions) {
    this.#options = options;
  }

  health(probe: HealthReport['probe']): HealthReport {
    const { built, supervision, config, state } = this.#options;
    const required = Object.entries(config().pools).filter(([, pool]) => pool.required);
    const facts = {
      loopAgeMs: supervision.loop.ageMs,
      state: state(),
      pools: built.pools.map((pool) => pool.status()),
      requiredPools: required.map(([name]) => name),
      leases: this.#leases(),
    };
    return probe === 'live' ? liveReport(facts) : readyReport(facts);
  }

  /** Answers it and writes it to the log. */
  async dump(): Promise<DumpReport> {
    const { built, supervision, status, log } = this.#options;
    const workers = new WorkerInspector(built.pools, useOf);
    const [now, { stacks }] = await Promise.all([status(), workers.stacks({ workers: [] })]);
    const report = dumpReport({
      status: now,
      stacks,
      pools: built.pools,
      leases: this.#leases(),
      stuck: supervision.consumption.stuck,
      loopAgeMs: supervision.loop.ageMs,
    });
    logDump(log, report);
    return report;
  }

  #leases(): DumpReport['leases'] {
    const sessions = this.#options.built.consumers.flatMap((consumer) => consumer.sessions);
    return sessions.map(({ queue, daemon, state, inFlight, underWay }) => ({
      queue,
      daemon,
      state,
      in_flight: inFlight,
      under_way: underWay,
    }));
  }
}

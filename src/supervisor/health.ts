/** Whether a daemon is alive, and whether it is ready: pure. */

import type { DaemonState, HealthCheck, HealthReport } from '../control/messages/daemon.ts';
import type { PoolStatus } from '../pool/pool.ts';

/** What the probes look at. */
export interface HealthFacts {
  /** Since the last round of the supervise loop, ms. */
  readonly loopAgeMs: number;
  readonly state: DaemonState;
  readonly pools: readonly PoolStatus[];
  /** Names of the pools that the daemon needs. */
  readonly requiredPools: readonly string[];
  /** Each queue's lease: `open` means that the broker has confirmed it in time. */
  readonly leases: readonly { readonly queue: string; readonly state: string }[];
}

/** A loop that goes round every second and has not done so for this long does not live. */
const LOOP_LIMIT_MS = 10_000;

/** Of this process alone: no broker, no worker. Who restarts by it restarts nothing that is well. */
export const liveReport = (facts: HealthFacts): HealthReport => reportOf('live', [loopCheck(facts)]);

/** Whether it works: who sends work here may. */
export function readyReport(facts: HealthFacts): HealthReport {
  const pools = facts.pools.filter(({ name }) => facts.requiredPools.includes(name));
  return reportOf('ready', [
    loopCheck(facts),
    stateCheck(facts),
    brokerCheck(facts),
    ...pools.map(poolCheck),
  ]);
}

function reportOf(probe: HealthReport['probe'], checks: readonly HealthCheck[]): HealthReport {
  return { schema: 'forkloop.health/1', probe, ok: checks.every(({ ok }) => ok), checks };
}

function loopCheck({ loopAgeMs }: HealthFacts): HealthCheck {
  const detail = `went round ${Math.round(loopAgeMs)} ms ago`;
  return { name: 'supervise_loop', ok: loopAgeMs < LOOP_LIMIT_MS, detail };
}

/** A quiet daemon is ready: it has started, and its operator wants it so. */
function stateCheck({ state }: HealthFacts): HealthCheck {
  return { name: 'state', ok: state === 'running' || state === 'quiet', detail: state };
}

function brokerCheck({ leases }: HealthFacts): HealthCheck {
  const missing = leases.filter(({ state }) => state !== 'open').map(({ queue }) => queue);
  const detail =
    missing.length === 0 ? 'answers' : `has not confirmed the lease of ${missing.join(', ')} in time`;
  return { name: 'broker', ok: missing.length === 0, detail };
}

function poolCheck({ name, state, workers }: PoolStatus): HealthCheck {
  const able = workers.filter((worker) => worker.state === 'ready' || worker.state === 'busy').length;
  return {
    name: `pool ${name}`,
    ok: able > 0,
    detail: `${state}, ${able} of ${workers.length} workers ready`,
  };
}

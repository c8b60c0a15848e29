import type { DaemonState } from '../control/messages/daemon.ts';
import type { Notice } from './notify-channel.ts';

/** What a service manager is told about. */
export interface ServiceFacts {
  readonly state: DaemonState;
  /** Jobs that run. */
  readonly running: number;
  readonly brokerUp: boolean;
  /** Pools that claim nothing although they could. */
  readonly stuck: readonly string[];
}

export interface ServiceReporterOptions {
  readonly facts: () => ServiceFacts;
  readonly send: (notice: Notice) => void;
  /** The service manager ends a daemon that was silent this long; null: it does not watch. */
  readonly watchdogMs: number | null;
  /** The longest that a stop takes by the configuration. Afterwards no more time is asked for. */
  readonly stopMs: () => number;
}

/** A watchdog is fed at a third of its patience, at least every 20 s. */
const LONGEST_FEED_MS = 20_000;
/** A round that came later than this feeds no watchdog. */
const LATE_MS = 10_000;
const EXTEND_EVERY_MS = 5_000;
const EXTEND_BY_MS = 20_000;
/** What a stop may take beyond its limits: last settlements, the store. */
const STOP_SLACK_MS = 10_000;

/**
 * Tells the service manager what has changed since the last look: READY once, STOPPING once, STATUS when it reads
 * differently, more time while a stop is within its limits. The watchdog is fed by looks, which the supervise loop makes:
 * a loop that hangs feeds none. Nothing here asks the broker.
 */
export class ServiceReporter {
  readonly #options: ServiceReporterOptions;
  #told: 'nothing' | 'ready' | 'stopping' = 'nothing';
  #status = '';
  #fedAt = Number.NEGATIVE_INFINITY;
  #stoppingAt = 0;
  #extendedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ServiceReporterOptions) {
    this.#options = options;
  }

  /** `now`: monotonic ms. `lateMs`: how much later than planned this look comes. */
  look(now: number, lateMs: number): void {
    const facts = this.#options.facts();
    const notice = { ...this.#phase(facts, now), ...this.#text(facts), ...this.#food(now, lateMs) };
    if (Object.keys(notice).length > 0) this.#options.send(notice);
  }

  #phase({ state }: ServiceFacts, now: number): Notice {
    if (state === 'starting') return {};
    if (state === 'running' || state === 'quiet') {
      if (this.#told !== 'nothing') return {};
      this.#told = 'ready';
      return { READY: '1' };
    }
    const first = this.#told !== 'stopping';
    if (first) {
      this.#told = 'stopping';
      this.#stoppingAt = now;
    }
    return { ...(first ? { STOPPING: '1' } : {}), ...this.#moreTime(now) };
  }

  #moreTime(now: number): Notice {
    const over = now - this.#stoppingAt > this.#options.stopMs() + STOP_SLACK_MS;
    if (over || now - this.#extendedAt < EXTEND_EVERY_MS) return {};
    this.#extendedAt = now;
    return { EXTEND_TIMEOUT_USEC: String(EXTEND_BY_MS * 1_000) };
  }

  #text(facts: ServiceFacts): Notice {
    const text = statusText(facts);
    if (text === this.#status) return {};
    this.#status = text;
    return { STATUS: text };
  }

  #food(now: number, lateMs: number): Notice {
    const { watchdogMs } = this.#options;
    if (watchdogMs === null || lateMs > Math.min(LATE_MS, watchdogMs / 2)) return {};
    if (now - this.#fedAt < Math.min(LONGEST_FEED_MS, watchdogMs / 3)) return {};
    this.#fedAt = now;
    return { WATCHDOG: '1' };
  }
}

/** What `systemctl status` shows. */
export function statusText({ state, running, brokerUp, stuck }: ServiceFacts): string {
  const jobs = `${running} ${running === 1 ? 'job runs' : 'jobs run'}`;
  switch (state) {
    case 'starting':
      return 'starting';
    case 'running': {
      const faults = [
        ...(brokerUp ? [] : ['the broker does not answer']),
        ...(stuck.length === 0 ? [] : [`stuck: ${stuck.join(', ')}`]),
      ];
      return faults.length === 0 ? 'ready' : `ready, but ${faults.join('; ')}`;
    }
    case 'quiet':
      return `quiet: nothing is claimed, ${jobs}`;
    case 'draining':
      return `draining: ${jobs}`;
    case 'stopping':
      return 'stopping';
  }
}

/** From the environment that the service manager gave; null where it does not watch this process. */
export function watchdogOf(env: Readonly<Record<string, string | undefined>>, pid: number): number | null {
  const given = env['WATCHDOG_PID'];
  if (given !== undefined && Number(given) !== pid) return null;
  const microseconds = Number(env['WATCHDOG_USEC']);
  return microseconds > 0 ? microseconds / 1_000 : null;
}

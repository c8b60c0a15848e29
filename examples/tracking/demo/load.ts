import type { EtaQuestion } from '../eta/combine.ts';
import type { Trace } from '../filter/filter.ts';
import { between, exponential, type Random, seededRandom, seedOf } from '../trace/random.ts';

export type Kind = 'cpu' | 'io' | 'upkeep';

/** A job and when it is due to be enqueued, milliseconds from the start. */
export interface Arrival {
  readonly kind: Kind;
  readonly task: string;
  readonly at: number;
  readonly input: unknown;
}

export interface LoadOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Of each kind, a second. */
  readonly rates: Readonly<Record<Kind, number>>;
  /** Traces for the CPU jobs, used in turn. */
  readonly traces: readonly Trace[];
}

/** Processes of the pools; more cores than this are left alone, or the demo would only heat. */
const MOST_WORKERS = 4;
/** Share of the cores' capacity that the CPU jobs ask for: more than one event loop has, less than the process pool has. */
export const CPU_SHARE = 0.6;
const IO_PER_WORKER = 20;
const UPKEEP_PER_SECOND = 1;

export const workersFor = (cores: number): number => Math.max(1, Math.min(MOST_WORKERS, cores));

/** Rates that overload either pool alone and neither of the two together, for jobs of `jobMs` on so many workers. */
export function ratesFor(workers: number, jobMs: number): Record<Kind, number> {
  return {
    cpu: (CPU_SHARE * workers * 1_000) / jobMs,
    io: IO_PER_WORKER * workers,
    upkeep: UPKEEP_PER_SECOND,
  };
}

/**
 * Open arrivals: jobs come when they come, whether or not the earlier ones are done. The pauses are random (exponential),
 * the number of jobs is not. The same options give the same load.
 */
export function makeLoad({ seed, seconds, rates, traces }: LoadOptions): Arrival[] {
  const arrivals = (kind: Kind, task: string, input: (random: Random, index: number) => unknown) => {
    const random = seededRandom(seedOf('load', seed, kind));
    const count = Math.max(1, Math.round(rates[kind] * seconds));
    return timesOf(random, count, seconds * 1_000).map((at, i) => ({
      kind,
      task,
      at,
      input: input(random, i),
    }));
  };
  return [
    ...arrivals('cpu', 'location.filter', (_, i) => traces[i % traces.length]),
    ...arrivals('io', 'eta.predict', questionOf),
    ...arrivals('upkeep', 'maintenance.purge', () => ({ older_than_s: 600 })),
  ].sort((a, b) => a.at - b.at);
}

/** So many moments of a Poisson process that ends with the last of them just within the time. */
function timesOf(random: Random, count: number, totalMs: number): number[] {
  const pauses = Array.from({ length: count + 1 }, () => exponential(random, 1));
  const scale = totalMs / pauses.reduce((sum, pause) => sum + pause, 0);
  let now = 0;
  return pauses.slice(0, count).map((pause) => (now += pause * scale));
}

function questionOf(random: Random): EtaQuestion {
  const place = () => ({ lat: round(between(random, 48.8, 48.9)), lng: round(between(random, 2.25, 2.42)) });
  return {
    from: place(),
    to: place(),
    at: new Date(Date.UTC(2025, 2, 3) + Math.floor(random() * 86_400_000)).toISOString(),
  };
}

const round = (degrees: number): number => Math.round(degrees * 1e5) / 1e5;

import { poissonTimes, randomFrom } from './random.ts';

/** One job and when it is enqueued, milliseconds from the start. */
export interface Arrival {
  readonly kind: 'cpu' | 'io';
  readonly atMs: number;
}

export const CPU_MS = 100;
export const IO_MS = 200;
/** Jobs a second of the open load: two thirds of what two cores compute, more than one event loop does. */
const CPU_RATE = 10.65;
const IO_RATE = 60.8;

/** Jobs come when they come, whether or not those before them have ended. */
export function openLoad(seed: number, seconds: number): Arrival[] {
  const arrivals = (kind: Arrival['kind'], rate: number, own: number): Arrival[] =>
    poissonTimes(randomFrom(seed * 2 + own), Math.round(rate * seconds), seconds * 1_000).map((atMs) => ({
      kind,
      atMs,
    }));
  return [...arrivals('cpu', CPU_RATE, 0), ...arrivals('io', IO_RATE, 1)].sort((a, b) => a.atMs - b.atMs);
}

/** All at once, in a random order. */
export function burst(seed: number, cpu: number, io: number): Arrival[] {
  const random = randomFrom(seed);
  return Array.from({ length: cpu + io }, (_, index) => ({
    kind: index < cpu ? ('cpu' as const) : ('io' as const),
    atMs: 0,
    order: random(),
  }))
    .sort((a, b) => a.order - b.order)
    .map(({ kind, atMs }) => ({ kind, atMs }));
}

/**
 * Milliseconds from arrival to completion of each job, where nothing costs anything: CPU jobs in the order of arrival on
 * so many cores, I/O jobs likewise in so many slots. Service times are the nominal ones where none are given.
 */
export function idealTimes(
  load: readonly Arrival[],
  cores: number,
  slots: number,
  serviceMs: readonly number[] = load.map(({ kind }) => (kind === 'cpu' ? CPU_MS : IO_MS)),
): number[] {
  const free = { cpu: new Array<number>(cores).fill(0), io: new Array<number>(slots).fill(0) };
  return load.map(({ kind, atMs }, index) => {
    const places = free[kind];
    const earliest = places.indexOf(places.reduce((a, b) => Math.min(a, b)));
    const end = Math.max(atMs, places[earliest] as number) + (serviceMs[index] as number);
    places[earliest] = end;
    return end - atMs;
  });
}

/** The same seed gives the same numbers from 0 to 1, on every machine. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many moments, rising, of a Poisson process that fills `totalMs`. */
export function poissonTimes(random: () => number, count: number, totalMs: number): number[] {
  const pauses = Array.from({ length: count + 1 }, () => -Math.log(1 - random()));
  const scale = totalMs / pauses.reduce((sum, pause) => sum + pause, 0);
  let now = 0;
  return pauses.slice(0, count).map((pause) => {
    now += pause * scale;
    return now;
  });
}

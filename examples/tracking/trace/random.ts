/** A number in [0, 1), like `Math.random`, but the same ones again for the same seed. */
export type Random = () => number;

/**
 * A small generator with 32 bits of state: good enough to make test data, useless for secrets.
 * Source: mulberry32, T. Ettinger, public domain.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed from a text, so that one seed can be split into independent streams: FNV-1a, 32 bits, then mixed. */
export function seedOf(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const character of parts.join('\0')) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Normally distributed, mean 0 and variance 1. Source: G. E. P. Box, M. E. Muller, Annals of Math. Statistics 29, 1958. */
export function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Exponentially distributed with the given mean: the pause between arrivals that know nothing of each other. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

export function between(random: Random, low: number, high: number): number {
  return low + random() * (high - low);
}

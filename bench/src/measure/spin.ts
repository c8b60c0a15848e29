import { median } from './quantile.ts';

/** Burns CPU for so many turns. */
export function spin(turns: number): number {
  let x = 1;
  for (let turn = 0; turn < turns; turn++) x = (x * 1_103_515_245 + 12_345) % 2_147_483_648;
  return x;
}

/** How long calibration tries: long enough that a moment in which another program had the core does not decide. */
const TRIES = 60;

/** Turns that take so long on this machine as fast as it is just now: by the middle one of some tries, in about a second. */
export function turnsFor(ms: number): number {
  const turns = 2_000_000;
  spin(turns);
  const tries = Array.from({ length: TRIES }, () => {
    const begun = performance.now();
    spin(turns);
    return performance.now() - begun;
  });
  return Math.round((turns * ms) / median(tries));
}

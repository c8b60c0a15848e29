/** Burns CPU for so many turns. */
export function spin(turns: number): number {
  let x = 1;
  for (let turn = 0; turn < turns; turn++) x = (x * 1_103_515_245 + 12_345) % 2_147_483_648;
  return x;
}

/** Turns that take so long on this machine when nothing else runs: by the best of some tries. */
export function turnsFor(ms: number): number {
  const turns = 1_000_000;
  spin(turns);
  const tries = Array.from({ length: 20 }, () => {
    const begun = performance.now();
    spin(turns);
    return performance.now() - begun;
  });
  return Math.round((turns * ms) / Math.min(...tries));
}

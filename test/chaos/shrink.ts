/**
 * Which of the parts of a failing whole are needed for it to fail (ddmin): tries halves, then what is left without each
 * part, then finer parts, until leaving out any one makes the failure go away, or `tries` are used up.
 */
export async function shrink<T>(
  parts: readonly T[],
  fails: (some: readonly T[]) => Promise<boolean>,
  tries: number,
): Promise<readonly T[]> {
  let needed = parts;
  let pieces = 2;
  let left = tries;
  while (needed.length > 1 && left > 0) {
    const size = Math.ceil(needed.length / pieces);
    const chunks = Array.from({ length: Math.ceil(needed.length / size) }, (_, i) =>
      needed.slice(i * size, (i + 1) * size),
    );
    const without = chunks.map((chunk) => needed.filter((part) => !chunk.includes(part)));
    const candidates = chunks.length === 2 ? chunks : [...chunks, ...without];
    let smaller: readonly T[] | null = null;
    for (const candidate of candidates) {
      if (left-- <= 0) return needed;
      if (!(await fails(candidate))) continue;
      smaller = candidate;
      break;
    }
    if (smaller !== null) {
      needed = smaller;
      pieces = Math.max(2, Math.min(pieces - 1, needed.length));
    } else if (pieces >= needed.length) break;
    else pieces = Math.min(needed.length, 2 * pieces);
  }
  return needed;
}

/**
 * Which points of a line to keep so that none of the others is further than `tolerance` from the line that is left: their
 * indices, rising, the two ends always among them.
 *
 * Source: D. H. Douglas, T. K. Peucker, "Algorithms for the reduction of the number of points required to represent a
 * digitized line or its caricature", Cartographica 10 (2), 1973; the distance is to the piece between two points, not to
 * the endless line through them, so that a round trip is not flattened. The work list is explicit: a hundred thousand
 * points must not overflow the stack.
 */
export function simplify(x: ArrayLike<number>, y: ArrayLike<number>, tolerance: number): number[] {
  const n = Math.min(x.length, y.length);
  if (n <= 2) return Array.from({ length: n }, (_, i) => i);
  const keep = new Uint8Array(n);
  keep[0] = keep[n - 1] = 1;
  const ranges: number[] = [0, n - 1];
  while (ranges.length > 0) {
    const last = ranges.pop()!;
    const first = ranges.pop()!;
    const furthest = furthestFrom(x, y, first, last, tolerance * tolerance);
    if (furthest < 0) continue;
    keep[furthest] = 1;
    if (furthest - first > 1) ranges.push(first, furthest);
    if (last - furthest > 1) ranges.push(furthest, last);
  }
  const kept: number[] = [];
  for (let i = 0; i < n; i++) if (keep[i] === 1) kept.push(i);
  return kept;
}

/** Index of the point between `first` and `last` that is furthest from their connection; -1 when none is beyond the limit. */
function furthestFrom(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  first: number,
  last: number,
  limit: number,
): number {
  const [x0, y0] = [x[first]!, y[first]!];
  const [dx, dy] = [x[last]! - x0, y[last]! - y0];
  const length = dx * dx + dy * dy;
  let furthest = -1;
  let most = limit;
  for (let i = first + 1; i < last; i++) {
    const [px, py] = [x[i]! - x0, y[i]! - y0];
    const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
    const [ex, ey] = [px - along * dx, py - along * dy];
    const distance = ex * ex + ey * ey;
    if (distance > most) [most, furthest] = [distance, i];
  }
  return furthest;
}

import { type Arrival, CPU_MS, IO_MS } from './mixed-load.ts';

/** `in order`: what is ready runs in the order in which it got ready. `waits first`: I/O before CPU jobs, the best for the mean. */
export type LoopOrder = 'in order' | 'waits first';

interface Ready {
  readonly atMs: number;
  readonly index: number;
}

/**
 * Milliseconds from arrival to completion of each job on one event loop without bounds that costs nothing: it begins and ends I/O
 * jobs, and each CPU job blocks it.
 */
export function oneLoopTimes(load: readonly Arrival[], order: LoopOrder): number[] {
  const ends = load.map(() => 0);
  const of = (wanted: Arrival['kind']): Ready[] =>
    load.flatMap(({ kind, atMs }, index) => (kind === wanted ? [{ atMs, index }] : []));
  const [begins, waits, computes]: [Ready[], Ready[], Ready[]] = [of('io'), [], of('cpu')];
  const lines = [waits, begins, computes];
  let now = 0;
  for (let line = nextOf(lines, now, order); line !== undefined; line = nextOf(lines, now, order)) {
    const { atMs, index } = line.shift() as Ready;
    now = Math.max(now, atMs);
    if (line === begins) waits.push({ atMs: now + IO_MS, index });
    else {
      if (line === computes) now += CPU_MS;
      ends[index] = now;
    }
  }
  return load.map(({ atMs }, index) => (ends[index] as number) - atMs);
}

/** The line whose first is next: of those that are ready the one that the order says, else the one that is ready first. */
function nextOf(lines: readonly Ready[][], now: number, order: LoopOrder): Ready[] | undefined {
  const readyAt = (line: Ready[]) => line[0]?.atMs ?? Number.POSITIVE_INFINITY;
  const waiting = lines.filter((line) => line.length > 0);
  if (order === 'waits first') {
    const ready = waiting.find((line) => readyAt(line) <= now);
    if (ready !== undefined) return ready;
  }
  return waiting.reduce<Ready[] | undefined>(
    (first, line) => (first === undefined || readyAt(line) < readyAt(first) ? line : first),
    undefined,
  );
}

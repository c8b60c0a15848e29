/** The candidate that was probably meant; null when none is near: at most a third of its letters differ. */
export function suggest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > 100) return null;
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const longest = Math.max(word.length, candidate.length);
    const most = Math.min(longest - 1, Math.max(1, Math.floor(longest / 3)));
    if (Math.abs(word.length - candidate.length) > most) continue;
    const away = sameLetters(word, candidate)
      ? 1
      : distance(word.toLowerCase(), candidate.toLowerCase(), most);
    if (away < bestDistance && away <= most) [best, bestDistance] = [candidate, away];
  }
  return best;
}

/** Letters in the wrong order are one mistake, not two. */
const sameLetters = (a: string, b: string) => a.length === b.length && sorted(a) === sorted(b);
const sorted = (word: string) => [...word.toLowerCase()].sort((a, b) => (a < b ? -1 : 1)).join('');

/**
 * Levenshtein's: letters to insert, leave out or replace; above `most` it only tells that it is more. A package for it
 * would be loaded by every worker.
 */
function distance(a: string, b: string, most: number): number {
  const row = [0];
  for (let column = 1; column <= b.length; column++) row.push(column);
  for (let line = 1; line <= a.length; line++) {
    const letter = a.charCodeAt(line - 1);
    let [diagonal, left, least] = [line - 1, line, line];
    for (let column = 1; column <= b.length; column++) {
      const above = row[column] as number;
      const replaced = letter === b.charCodeAt(column - 1) ? diagonal : diagonal + 1;
      row[column - 1] = left;
      left = Math.min(replaced, above + 1, left + 1);
      if (left < least) least = left;
      diagonal = above;
    }
    row[b.length] = left;
    if (least > most) return least;
  }
  return row[b.length] as number;
}

/** As in `, did you mean "url"?`; empty when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = suggest(word, candidates);
  return near === null ? '' : `, did you mean ${JSON.stringify(near)}?`;
}

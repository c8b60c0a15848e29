import { createRequire } from 'node:module';

interface Levenshtein {
  distance(one: string, other: string): number;
}

/** The candidate that was probably meant; null when none is near: at most a third of its letters differ. */
export function suggest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > 100) return null;
  // Loaded where a word is wrong: every worker and client has this file.
  const { distance } = createRequire(import.meta.url)('fastest-levenshtein') as Levenshtein;
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const longest = Math.max(word.length, candidate.length);
    const most = Math.min(longest - 1, Math.max(1, Math.floor(longest / 3)));
    if (Math.abs(word.length - candidate.length) > most) continue;
    const away = sameLetters(word, candidate) ? 1 : distance(word.toLowerCase(), candidate.toLowerCase());
    if (away < bestDistance && away <= most) [best, bestDistance] = [candidate, away];
  }
  return best;
}

/** Letters in the wrong order are one mistake, not two. */
const sameLetters = (a: string, b: string) => a.length === b.length && sorted(a) === sorted(b);
const sorted = (word: string) => [...word.toLowerCase()].sort((a, b) => (a < b ? -1 : 1)).join('');

/** As in `, did you mean "url"?`; empty when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = suggest(word, candidates);
  return near === null ? '' : `, did you mean ${JSON.stringify(near)}?`;
}

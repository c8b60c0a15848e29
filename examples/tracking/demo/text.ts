/** A duration in a form that is short at any size: `87 ms`, `1.24 s`, `23.8 s`. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return ms < 9_995 ? `${(ms / 1_000).toFixed(2)} s` : `${(ms / 1_000).toFixed(1)} s`;
}

/** `7.4×`, `38×`. */
export function formatTimes(factor: number): string {
  return factor < 9.95 ? `${factor.toFixed(1)}×` : `${Math.round(factor)}×`;
}

/** Paragraphs broken at spaces to fit a terminal of 80 columns. */
export function wrap(paragraphs: readonly string[], width = 80): string {
  return paragraphs
    .map((paragraph) => {
      const lines = [''];
      for (const word of paragraph.split(' ')) {
        const line = lines.at(-1)!;
        if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
        else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
      }
      return `${lines.join('\n')}\n`;
    })
    .join('');
}

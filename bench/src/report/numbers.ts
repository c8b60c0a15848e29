/** Three digits that mean something, with k and M: `213 k`, `4.71`. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 999_500) return `${digits(value / 1e6)} M`;
  if (size >= 9_995) return `${digits(value / 1e3)} k`;
  return digits(value);
}

/** For the marks of an axis: `0`, `5`, `10 k`. */
export const tickText = (value: number): string => short(value).replace(/\.0+(?=$| )/, '');

function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return value.toFixed(1);
  return size >= 0.001 || size === 0 ? value.toFixed(2) : value.toPrecision(1);
}

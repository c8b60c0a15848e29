/** From values to places along an axis, and the values that get a mark. */
export interface Scale {
  at(value: number): number;
  readonly ticks: readonly number[];
}

export function linearScale(most: number, from: number, to: number): Scale {
  const top = most > 0 ? most * 1.04 : 1;
  const step = niceStep(top / 5);
  const ticks = Array.from({ length: Math.floor(top / step) + 1 }, (_, index) => index * step);
  return { at: (value) => tenth(from + ((to - from) * value) / top), ticks };
}

/** Each power of ten is as wide as the next. */
export function logScale(least: number, most: number, from: number, to: number): Scale {
  const low = Math.log10(least);
  const high = Math.max(Math.log10(most), low + 0.3);
  const at = (value: number) =>
    tenth(from + ((to - from) * (Math.log10(Math.max(value, least)) - low)) / (high - low));
  const factors = high - low > 2.5 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(low); power <= high; power++) {
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= least * 0.999 && tick <= most * 1.001) ticks.push(tick);
    }
  }
  return { at, ticks };
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return ([1, 2, 5].find((factor) => factor * power >= step) ?? 10) * power;
}

export const tenth = (value: number): number => Math.round(value * 10) / 10;

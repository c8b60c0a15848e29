/** A number in [0, 1), like `Math.random`. Injected, so that a test or a simulation repeats exactly. */
export type Random = () => number;

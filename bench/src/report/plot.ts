/** Dots: every round of every contender, so that the spread is seen. */
export interface StripPlot {
  readonly type: 'strip';
  readonly title: string;
  readonly unit: string;
  readonly rows: readonly { readonly label: string; readonly values: readonly number[] }[];
}

/** The share of values that is not above x. */
export interface DistributionPlot {
  readonly type: 'distribution';
  readonly title: string;
  readonly unit: string;
  readonly series: readonly {
    readonly label: string;
    readonly values: readonly number[];
    readonly dashed?: boolean;
  }[];
}

export interface LinePlot {
  readonly type: 'line';
  readonly title: string;
  readonly unit: string;
  readonly x: string;
  readonly series: readonly {
    readonly label: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
}

export type Plot = StripPlot | DistributionPlot | LinePlot;

import type { Bar } from '../report/bars.ts';
import type { Figures } from '../report/figures.ts';
import type { Plot } from '../report/plot.ts';
import type { Progress } from '../report/progress.ts';
import type { Table } from '../report/table.ts';
import type { Workspace } from '../site/workspace.ts';

export interface SuiteContext {
  readonly workspace: Workspace;
  readonly figures: Figures;
  readonly seed: number;
  /** For trying: smaller loads, fewer rounds. */
  readonly quick: boolean;
  /** Instead of the suite's own number. */
  readonly rounds: number | null;
  /** Begins the bar of this suite. */
  progress(steps: number): Progress;
}

/** What a suite has to say. */
export interface Findings {
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  readonly bars: readonly Bar[];
  /** How to read it, and what could not be measured. */
  readonly notes: readonly string[];
}

export interface Suite {
  readonly name: string;
  readonly title: string;
  run(context: SuiteContext): Promise<Findings>;
}

import type { Arena } from './arena.ts';
import type { Findings, SuiteContext } from './suite.ts';

/** One question of a suite that asks several. */
export interface Part {
  /** Of a round. */
  readonly steps: number;
  measure(round: number, step: (label: string) => void): Promise<void>;
  /** After all rounds. */
  findings(): Findings;
}

export interface Surroundings {
  readonly context: SuiteContext;
  readonly arena: Arena;
  /** In the raw figures. */
  readonly suite: string;
}

export type OpenPart = (surroundings: Surroundings) => Part;

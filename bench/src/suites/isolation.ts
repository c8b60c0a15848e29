import { Arena } from './arena.ts';
import { floodedQueue } from './isolation-flood.ts';
import { masterLoop } from './isolation-loop.ts';
import type { OpenPart } from './isolation-part.ts';
import { cpuStorm } from './isolation-storm.ts';
import type { Suite } from './suite.ts';

const SUITE = 'isolation';
const ROUNDS = { full: 3, quick: 1 };
const PARTS: readonly OpenPart[] = [masterLoop, cpuStorm, floodedQueue];

export const isolation: Suite = {
  name: SUITE,
  title: 'Isolation: what a load does to those beside it',
  async run(context) {
    const rounds = context.rounds ?? (context.quick ? ROUNDS.quick : ROUNDS.full);
    const arena = new Arena(context.workspace);
    const parts = PARTS.map((open) => open({ context, arena, suite: SUITE }));
    const progress = context.progress(rounds * parts.reduce((sum, { steps }) => sum + steps, 0));
    try {
      for (let round = 0; round < rounds; round++)
        for (const part of parts) await part.measure(round, (label) => progress.step(label));
    } finally {
      await arena.close();
    }
    progress.end();
    const findings = parts.map((part) => part.findings());
    return {
      tables: findings.flatMap(({ tables }) => tables),
      plots: findings.flatMap(({ plots }) => plots),
      bars: findings.flatMap(({ bars }) => bars),
      notes: findings.flatMap(({ notes }) => notes),
    };
  },
};

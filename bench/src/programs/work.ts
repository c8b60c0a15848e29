import { nowUs } from '../measure/monotonic.ts';
import { spin } from '../measure/spin.ts';
import type { JobInput } from './job-input.ts';
import { counted, stamped } from './probe.ts';

/** The handler of every contender. */
export function work(input: JobInput): Promise<void> | undefined {
  if (input.probe === 'count') {
    counted(input.phase);
    return;
  }
  const begun = nowUs();
  if (input.turns !== undefined) spin(input.turns);
  if (input.waitMs === undefined) {
    stamped(input.phase, input.index, begun, nowUs());
    return;
  }
  return new Promise((resolve) => {
    setTimeout(() => {
      stamped(input.phase, input.index, begun, nowUs());
      resolve();
    }, input.waitMs);
  });
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Done, Task } from './hand.ts';

/** Carries tasks out in so many processes side by side; results come as they are ready. @throws Error: one of them ended */
export async function sideBySide<T extends Task>(
  tasks: readonly T[],
  jobs: number,
  onDone: (task: T, done: Done<T>) => void,
): Promise<void> {
  const left = [...tasks];
  const hands = Array.from({ length: Math.min(jobs, tasks.length) }, () =>
    fork(new URL('./hand.ts', import.meta.url)),
  );
  try {
    await Promise.all(hands.map((hand) => work(hand, left, onDone)));
  } finally {
    await Promise.all(hands.map(dismiss));
  }
}

async function work<T extends Task>(
  hand: ChildProcess,
  left: T[],
  onDone: (task: T, done: Done<T>) => void,
): Promise<void> {
  const gone = once(hand, 'exit').then(() => {
    throw new Error('a process of the simulation has ended');
  });
  gone.catch(() => {});
  for (let task = left.shift(); task !== undefined; task = left.shift()) {
    const answer = once(hand, 'message');
    hand.send(task);
    const [done] = await Promise.race([answer, gone]);
    onDone(task, done as Done<T>);
  }
}

async function dismiss(hand: ChildProcess): Promise<void> {
  if (hand.exitCode !== null || hand.signalCode !== null) return;
  const exit = once(hand, 'exit');
  if (hand.connected) hand.disconnect();
  await exit;
}

/**
 * Node.js opens a debugger's port on SIGUSR1 until somebody listens to that signal. This module is loaded before all others,
 * and what was opened in the moments before it is closed again.
 */

import inspector from 'node:inspector';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) process.on('SIGUSR1', () => {});

/** A port that the worker was told to open by its arguments stays. */
export function closeStrayDebugger(): void {
  // In a later turn: a signal that came early is acted on in between.
  setImmediate(() => {
    const wanted = process.execArgv.some((argument) => argument.startsWith('--inspect'));
    if (!wanted && inspector.url() !== undefined) inspector.close();
  });
}

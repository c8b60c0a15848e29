/** The first module of every worker, forked or thread. */

import './debugger.ts';
import { isMainThread, workerData } from 'node:worker_threads';
import { systemClock } from '../lib/clock.ts';
import { toErrorRecord } from '../lib/errors.ts';
import type { ThreadData, WorkerBoot } from '../pool/host/host.ts';
import { BOOT_VARIABLE, type ToWorker } from '../pool/host/protocol.ts';
import { StartNotes } from '../pool/host/start-board.ts';
import { inputProblems } from '../task/input-check.ts';
import { loadTasks } from '../task/module-loader.ts';
import { closeStrayDebugger } from './debugger.ts';
import { startGuard, tellToken } from './guard.ts';
import { offerToOomKiller } from './memory-score.ts';
import { tagOutput } from './output.ts';
import { openPort, type Port } from './port.ts';
import { Runner } from './runner.ts';
import { handleSignals } from './signals.ts';
import { endOnStrayErrors } from './stray.ts';

const thread = isMainThread ? null : (workerData as ThreadData);
const boot = thread?.boot ?? bootOfProcess();
const port = openPort();
let runner: Runner | null = null;

tellToken();
if (isMainThread) {
  process.title = `forkloop ${boot.pool}/${boot.slot}`;
  startGuard(boot.masterPid);
  offerToOomKiller();
  handleSignals(() => {
    port.post({ type: 'leaving' });
    runner?.drain();
  });
}
tagOutput();
endOnStrayErrors(port, () => runner?.flush());
await serve(port);

async function serve(port: Port): Promise<void> {
  let tasks: Awaited<ReturnType<typeof loadTasks>>;
  try {
    tasks = await loadTasks(boot.modules);
  } catch (error) {
    port.post({ type: 'boot_failed', error: toErrorRecord(error) });
    await port.flush();
    return port.exit(1);
  }
  runner = new Runner({
    concurrency: boot.concurrency,
    tasks,
    clock: systemClock,
    post: port.post,
    starts: thread === null ? undefined : new StartNotes(thread.starts, systemClock),
  });
  port.listen((message) => obey(message));
  const manifests = [...tasks.values()].map(({ manifest }) => manifest);
  const refused = boot.inputs === undefined ? {} : { refused: await inputProblems(tasks, boot.inputs) };
  if (isMainThread) closeStrayDebugger();
  port.post({ type: 'ready', tasks: manifests, generation: boot.generation, ...refused });
}

function obey(message: ToWorker): void {
  switch (message.type) {
    case 'run':
      runner?.run(message.deliveries);
      break;
    case 'abort':
      runner?.abort(message.tokens, message.reason);
      break;
    case 'drain':
      runner?.drain();
      break;
    case 'ping':
      port.post({ type: 'pong', number: message.number });
      break;
    case 'exit':
      port.exit(0);
  }
}

function bootOfProcess(): WorkerBoot {
  const text = process.env[BOOT_VARIABLE];
  if (text === undefined) throw new Error('this file is started by a forkloop daemon, not by hand');
  delete process.env[BOOT_VARIABLE];
  return JSON.parse(text) as WorkerBoot;
}

import { Worker } from 'node:worker_threads';

/**
 * What the guard runs: plain JavaScript as text, so that it starts without a loader and before any module of the user.
 * The parent's id changes at the moment the master dies. A negative id is the process group: what jobs have started.
 */
const WATCH_THE_MASTER = `
  const { workerData: master } = require('node:worker_threads');
  const end = (pid) => { try { process.kill(pid, 'SIGKILL'); } catch {} };
  const look = () => { if (process.ppid !== master) { end(-process.pid); end(process.pid); } };
  look();
  setInterval(look, 200);
`;

/**
 * Ends this process within half a second of the master's death, also while its main thread spins: a thread of its own
 * watches. Without it a busy worker would run on as an orphan beside the daemon that takes its job over.
 */
export function startGuard(masterPid: number): void {
  const guard = new Worker(WATCH_THE_MASTER, {
    eval: true,
    workerData: masterPid,
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  });
  guard.unref();
}

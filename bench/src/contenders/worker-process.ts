import { fileURLToPath } from 'node:url';
import type { WorkerOrder, WorkerReply, WorkerSettings } from '../programs/worker-settings.ts';
import { familyOf } from '../site/processes.ts';
import type { Child, Workspace } from '../site/workspace.ts';

const ANSWER_MS = 20_000;

/** A peer's worker program in a process of its own, held when this resolves. */
export async function startWorker(
  workspace: Workspace,
  program: string,
  settings: WorkerSettings,
  probe: string,
): Promise<WorkerProcess> {
  const path = fileURLToPath(new URL(`../programs/${program}.js`, import.meta.url));
  const child = workspace.start(process.execPath, [path, JSON.stringify(settings)], {
    ipc: true,
    env: { BENCH_PROBE: probe, NODE_ENV: 'production' },
  });
  const worker = new WorkerProcess(workspace, child);
  await worker.answer('ready');
  return worker;
}

export class WorkerProcess {
  readonly #workspace: Workspace;
  readonly #child: Child;

  constructor(workspace: Workspace, child: Child) {
    this.#workspace = workspace;
    this.#child = child;
  }

  async give(order: WorkerOrder): Promise<void> {
    const answered = order === 'close' ? null : this.answer(order === 'release' ? 'released' : 'held');
    this.#child.process.send(order);
    await answered;
  }

  answer(type: WorkerReply['type']): Promise<void> {
    const { process: child } = this.#child;
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${why}:\n${this.#child.output().slice(-2_000)}`));
      const timer = setTimeout(() => fail(`no "${type}" from the worker`), ANSWER_MS);
      const ended = () => fail('the worker ended');
      child.once('exit', ended);
      child.on('message', function take(reply: WorkerReply) {
        if (reply.type !== type) return;
        clearTimeout(timer);
        child.off('message', take);
        child.off('exit', ended);
        resolve();
      });
    });
  }

  pids(): readonly number[] {
    return familyOf(this.#child.pid);
  }

  async close(): Promise<void> {
    await this.give('close');
    const late = new Promise((resolve) => setTimeout(resolve, 2_000).unref());
    await Promise.race([new Promise((resolve) => this.#child.process.once('exit', resolve)), late]);
    await this.#workspace.stop(this.#child, 'SIGKILL');
  }
}

/** What a peer's worker program is told on its command line, as JSON. */
export interface WorkerSettings {
  readonly port: number;
  readonly pools: readonly {
    readonly kind: 'process' | 'async';
    readonly size: number;
    readonly queues: readonly string[];
  }[];
  readonly keepResults: boolean;
}

/** What it says: it can take jobs; it does, or does not, as told; with the processes that it has forked. */
export interface WorkerReply {
  readonly type: 'ready' | 'released' | 'held';
}

export type WorkerOrder = 'release' | 'hold' | 'close';

/** Carries out orders; ends with the process that gave them. */
export function obey(carryOut: Record<WorkerOrder, () => Promise<void>>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (order: WorkerOrder) => {
    void carryOut[order]().then(() => {
      if (order === 'close') process.exit(0);
      process.send?.({ type: order === 'release' ? 'released' : 'held' } satisfies WorkerReply);
    });
  });
  process.send?.({ type: 'ready' } satisfies WorkerReply);
}

export const settingsGiven = (): WorkerSettings => JSON.parse(process.argv[2] as string) as WorkerSettings;

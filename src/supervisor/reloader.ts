import type { LoadedConfig } from '../config/load.ts';
import { type Change, planReload } from '../config/plan.ts';
import type { ReloadReport } from '../control/messages/daemon.ts';
import type { Logger } from '../lib/logger.ts';
import type { LoadedAgain } from './config-loader.ts';

/** What a reload acts on. Each call applies one effect of the new configuration. */
export interface ReloadTarget {
  /** Everything that takes effect without a worker being replaced. */
  applyHot(next: LoadedConfig): void;
  /** Replaces the workers of a pool; rejects, with the old ones still at work, when the new ones do not get ready. */
  roll(pool: string, next: LoadedConfig, generation: number): Promise<void>;
}

export interface ReloaderOptions {
  readonly loaded: LoadedConfig;
  /** Reads the file anew. */
  readonly load: () => Promise<LoadedAgain>;
  /** Differs when the code of these modules may have changed. */
  readonly fingerprint: (modules: readonly string[]) => string;
  readonly target: ReloadTarget;
  readonly log: Logger;
}

/**
 * Applies an edited configuration file to the running daemon: all of it or, when it is invalid or needs a restart, nothing.
 * One reload at a time; what is asked for meanwhile is done once, after it, with the file as it is then.
 */
export class Reloader {
  readonly #options: ReloaderOptions;
  #current: LoadedConfig;
  #code: string;
  #generation = 1;
  #last: ReloadReport | null = null;
  #running: Promise<ReloadReport> | null = null;
  #next: Promise<ReloadReport> | null = null;
  /** Somebody wants every pool rolled in the reload that comes next. */
  #all = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#current = options.loaded;
    this.#code = options.fingerprint(options.loaded.modules);
  }

  /** By which the daemon runs now. */
  get config(): LoadedConfig['config'] {
    return this.#current.config;
  }

  /** Rises with each reload that changed something. */
  get generation(): number {
    return this.#generation;
  }

  /** The last one that was to be applied, and how it ended. */
  get last(): ReloadReport | null {
    return this.#last;
  }

  /** What a reload would do now. `all`: roll every pool, whatever has changed. */
  async plan(all: boolean): Promise<ReloadReport> {
    const again = await this.#options.load();
    if (again.type === 'invalid') return this.#report('invalid', [], again.report);
    return this.#planned(this.#changes(again.loaded, all), 'planned');
  }

  /** Resolves when it is over, however it ended. */
  reload(all: boolean): Promise<ReloadReport> {
    this.#all ||= all;
    if (this.#running === null) {
      this.#running = this.#reload().finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    const again = () => {
      this.#next = null;
      return this.reload(false);
    };
    this.#next ??= this.#running.then(again, again);
    return this.#next;
  }

  async #reload(): Promise<ReloadReport> {
    const all = this.#all;
    this.#all = false;
    const report = await this.#attempt(all);
    this.#last = report;
    const { log } = this.#options;
    const fields = { outcome: report.outcome, generation: report.generation, changes: report.changes.length };
    if (report.outcome === 'applied' || report.outcome === 'unchanged') log.info('reload', fields);
    else log.error('reload refused, the old configuration stays', { ...fields, reason: report.message });
    return report;
  }

  async #attempt(all: boolean): Promise<ReloadReport> {
    const again = await this.#options.load();
    if (again.type === 'invalid') return this.#report('invalid', [], again.report);
    const code = this.#options.fingerprint(again.loaded.modules);
    const changes = this.#changes(again.loaded, all);
    const planned = this.#planned(changes, 'applied');
    if (planned.outcome !== 'applied') return planned;
    const failure = await this.#apply(changes, again.loaded);
    if (failure !== null) return this.#report('failed', changes, failure);
    this.#generation++;
    this.#current = again.loaded;
    this.#code = code;
    return this.#report('applied', changes, '');
  }

  #changes(next: LoadedConfig, all: boolean): readonly Change[] {
    const changes = planReload(this.#current, next);
    const rollsAll = changes.some(({ effect, pool }) => effect === 'roll' && pool === null);
    const edited = this.#options.fingerprint(next.modules) !== this.#code;
    if (rollsAll || !(all || edited)) return changes;
    const path = edited ? 'tasks: edited code' : 'all pools';
    return [...changes, { path, from: null, to: null, effect: 'roll', pool: null }];
  }

  /** Rolls first: when a pool keeps its old workers, nothing hot of the file has taken effect. Answers what failed. */
  async #apply(changes: readonly Change[], next: LoadedConfig): Promise<string | null> {
    const { target } = this.#options;
    const rolled: string[] = [];
    for (const pool of poolsToRoll(changes, next)) {
      try {
        await target.roll(pool, next, this.#generation + 1);
        rolled.push(pool);
      } catch (error) {
        const why = `pool ${pool} keeps its workers: ${error instanceof Error ? error.message : String(error)}`;
        return rolled.length === 0 ? why : `${why}\nrolled before it, and at work: ${rolled.join(', ')}`;
      }
    }
    target.applyHot(next);
    return null;
  }

  #planned(changes: readonly Change[], outcome: 'planned' | 'applied'): ReloadReport {
    if (changes.length === 0) return this.#report('unchanged', changes, '');
    if (changes.every(({ effect }) => effect !== 'restart')) return this.#report(outcome, changes, '');
    const paths = changes.filter(({ effect }) => effect === 'restart').map(({ path }) => path);
    return this.#report(
      'restart_needed',
      changes,
      `needs a restart: ${paths.join(', ')}; nothing was changed`,
    );
  }

  #report(outcome: ReloadReport['outcome'], changes: readonly Change[], message: string): ReloadReport {
    const shown = changes.map(({ path, from, to, effect, pool }) => ({
      path,
      from: from ?? null,
      to: to ?? null,
      effect,
      pool,
    }));
    return { schema: 'forkloop.reload/1', outcome, generation: this.#generation, changes: shown, message };
  }
}

function poolsToRoll(changes: readonly Change[], { config }: LoadedConfig): readonly string[] {
  const rolls = changes.filter(({ effect }) => effect === 'roll');
  if (rolls.some(({ pool }) => pool === null)) return Object.keys(config.pools);
  return [...new Set(rolls.flatMap(({ pool }) => (pool === null ? [] : [pool])))];
}

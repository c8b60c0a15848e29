import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import type { LoopGaps } from '../measure/loop-gaps.ts';

const PROGRAM = new URL('../programs/loop-watch.js', import.meta.url).href;

/** The bench's end of what watches a daemon's event loop. */
export class LoopWatch {
  readonly #path: string;

  /** @param path Of a socket that does not exist yet. */
  constructor(path: string) {
    this.#path = path;
  }

  /** What the daemon must be started with. */
  get start(): { readonly nodeArguments: readonly string[]; readonly env: Readonly<Record<string, string>> } {
    return { nodeArguments: ['--import', PROGRAM], env: { BENCH_LOOP_WATCH: this.#path } };
  }

  /** Opens a window; the one before is forgotten. */
  async begin(): Promise<void> {
    await this.#say('begin');
  }

  /** What was seen in it. */
  async end(): Promise<LoopGaps> {
    return JSON.parse(await this.#say('end')) as LoopGaps;
  }

  async #say(word: 'begin' | 'end'): Promise<string> {
    const socket = createConnection({ path: this.#path });
    socket.write(word);
    return text(socket);
  }
}

import { availableParallelism } from 'node:os';

const BOOTS_PER_CORE = 2;

/** Bounds how many workers start at the same time: more of them only make each other late. */
export class BootGate {
  #free: number;
  readonly #queue = new Set<() => void>();

  constructor(size = BOOTS_PER_CORE * availableParallelism()) {
    this.#free = size;
  }

  /** Calls back when it is the caller's turn, perhaps at once. The result gives the turn up or back; call it once. */
  enter(begin: () => void): () => void {
    if (this.#free > 0) {
      this.#free -= 1;
      begin();
      return once(() => this.#leave());
    }
    let begun = false;
    const turn = () => {
      begun = true;
      begin();
    };
    this.#queue.add(turn);
    return once(() => (begun ? this.#leave() : this.#queue.delete(turn)));
  }

  #leave(): void {
    const [next] = this.#queue;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#queue.delete(next);
    next();
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}

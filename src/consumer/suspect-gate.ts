import type { QueueLine } from './queue-line.ts';
import type { SuspectTurn } from './suspect-turn.ts';

export interface SuspectGateOptions {
  /** Shared by the pools of a daemon. */
  readonly turn: SuspectTurn;
  readonly lines: readonly QueueLine[];
  readonly isRunning: () => boolean;
  /** The pool runs nothing, and no exchange under way may bring it something. */
  readonly isEmpty: () => boolean;
  /** These queues have suspects, and the turn has come. */
  readonly onTurn: (queues: readonly string[]) => void;
}

/** When a pool claims a suspect: while it has the turn among the daemon's pools, and has run empty. */
export class SuspectGate {
  readonly #options: SuspectGateOptions;
  /** Exchanges under way that may bring a suspect. */
  #asking = 0;
  #isOpen = false;

  constructor(options: SuspectGateOptions) {
    this.#options = options;
  }

  /** As last looked: a suspect waits, runs or is asked for, and it is this pool's turn to run one. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether the pool runs a suspect: it is then its only delivery. */
  get holdsAlone(): boolean {
    return this.#options.lines.some((line) => line.holdsAlone);
  }

  /**
   * Whether this queue's suspect may be claimed now. Only one that is known of: one met by chance would run beside what
   * other queues claim at the same time.
   */
  admits(line: QueueLine): boolean {
    return this.#isOpen && line.suspects && this.#options.isEmpty();
  }

  /** Asks for the turn, or gives it up, as things stand. Call it when they have changed. */
  look(): void {
    this.#isOpen = this.#hasTurn();
  }

  /** An exchange that may bring a suspect is sent; `asked` when what it brought has been taken. */
  ask(): void {
    this.#asking++;
  }

  asked(): void {
    this.#asking--;
  }

  /** Gives up the turn, or the place in the line for it. */
  leave(): void {
    this.#options.turn.leave(this);
  }

  #hasTurn(): boolean {
    const { turn, lines, isRunning, onTurn } = this.#options;
    const waiting = () => lines.filter((line) => line.suspects);
    if ((isRunning() && waiting().length > 0) || this.#asking > 0 || this.holdsAlone)
      return turn.ask(this, () => onTurn(waiting().map((line) => line.name)));
    turn.leave(this);
    return false;
  }
}

import type { QueueSettings } from './delivery.ts';
import { QueueLine } from './queue-line.ts';
import { QueueSession } from './queue-session.ts';
import type { QueueSessionListener, QueueSessionOptions } from './session-contract.ts';

/** What a line asks of its consumer. */
export interface LineOwner {
  readonly session: Omit<QueueSessionOptions, 'queue' | 'bounds' | 'listener'>;
  readonly onSession: (queue: string, daemon: string) => void;
  /** Sends what is worth sending now. */
  readonly pump: () => void;
  /** Ends the wait that an exchange stands behind. */
  readonly hurry: () => void;
  /** Stops deliveries whose lease is gone, or in doubt. */
  readonly abort: (tokens: readonly string[]) => void;
}

/** A line with its session: what becomes of what it holds when its standing with the broker changes. */
export function createLine(settings: QueueSettings, owner: LineOwner): QueueLine {
  const queue = settings.name;
  const bounds = () => ({ droppedResultTtlMs: line.settings.resultTtlMs, keepDead: line.settings.keepDead });
  const listener: QueueSessionListener = {
    opened: () => opened(line, owner),
    fenced: () => fenced(line, owner),
    renewed: () => renewed(line, owner),
    hurried: () => owner.hurry(),
    // What ended or woke meanwhile was not sent, and nothing else may come that would send it.
    rested: () => owner.pump(),
    lost: (tokens) => lost(line, owner, tokens),
    stray: (tokens) => stray(line, owner, tokens),
    vanished: (tokens) => vanished(line, owner, tokens),
  };
  const session = new QueueSession({ ...owner.session, queue, bounds, listener });
  const line = new QueueLine(settings, session, owner.session.clock);
  return line;
}

function opened(line: QueueLine, { session: { log }, onSession, pump }: LineOwner): void {
  const { daemon } = line.session;
  log.debug('queue session opened', { queue: line.name, daemon });
  onSession(line.name, daemon);
  line.wake();
  pump();
}

/** What ends is still settled: the broker decides whether it counts. */
function fenced(line: QueueLine, { session: { log }, abort }: LineOwner): void {
  log.error('the lease could not be renewed in time', { queue: line.name, held: line.held.size });
  abort([...line.held.keys()]);
}

function renewed(line: QueueLine, { session: { log }, pump }: LineOwner): void {
  log.info('the lease is renewed again', { queue: line.name });
  line.wake();
  pump();
}

function lost(line: QueueLine, { session: { log }, abort }: LineOwner, tokens: readonly string[]): void {
  log.error('the lease was lost, what ran is given up', { queue: line.name, held: tokens.length });
  line.forget();
  abort([...line.held.keys()]);
}

function stray(line: QueueLine, { pump }: LineOwner, tokens: readonly string[]): void {
  for (const token of tokens) line.settle({ type: 'release', token });
  pump();
}

/**
 * The broker no longer has them in flight here: whatever they answer cannot be settled, and must not be, for it may hand out
 * the same delivery anew.
 */
function vanished(line: QueueLine, { abort }: LineOwner, tokens: readonly string[]): void {
  line.drop(new Set(tokens));
  abort(tokens.filter((token) => line.held.delete(token)));
}

import type { Logger } from '../../lib/logger.ts';
import type { Random } from '../../lib/random.ts';
import { BrokerError } from '../broker-error.ts';
import { closed, notConnected, replyText } from './errors.ts';
import { type Link, type LinkOptions, openLink, type Reply } from './link.ts';
import { evalOf, type Script } from './scripts.ts';

const FIRST_REST_MS = 50;
/** Shorter than a call may take: what is enqueued once the server is back does not fail for a rest that began before. */
const LONGEST_REST_MS = 1_000;
/** Between attempts that only a person can make succeed. */
const FATAL_REST_MS = 2_000;
/** Replies after which the name is resolved and the login made anew: the server's role or its users have changed. */
const RECONNECT: ReadonlySet<string> = new Set(['READONLY', 'MASTERDOWN', 'NOAUTH']);

/**
 *     idle ──start──▶ connecting ──connected──▶ ready
 *                       ▲    │ failed             │ ended
 *                       │    ▼                    ▼
 *                       └─ resting ◀──────────────┘          any ──close──▶ closed
 *
 * connecting: calls wait for the end of the attempt, at most their deadline. resting: calls are refused with the reason
 * of the last failure, until the rest is over.
 */
type State =
  | { readonly type: 'idle' }
  | { readonly type: 'connecting'; readonly attempt: Promise<void> }
  | { readonly type: 'ready'; readonly link: Link }
  | { readonly type: 'resting'; readonly failure: BrokerError }
  | { readonly type: 'closed' };

export interface ConnectionOptions extends Omit<LinkOptions, 'connectDeadlineMs' | 'signal'> {
  readonly callDeadlineMs: number;
  readonly random: Random;
  readonly log: Logger;
  /** Asked of each new link before it is used; what it throws is the failure of the attempt. */
  readonly check: (link: Link) => Promise<void>;
}

/** How a call is sent. */
export interface Sending {
  /** On the monotonic clock: then it has ended, answered or not. */
  readonly until: number;
  /** To a node of a cluster that is about to get the slot, and serves it only to those who say that they know. */
  readonly asking: boolean;
}

/** Keeps one link up: makes it anew, with growing rests and jitter, until it is closed. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #closing = new AbortController();
  #state: State = { type: 'idle' };
  #answered: boolean = false;
  /** The failure that was logged last, so that each is logged once. */
  #reported = '';
  #running: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Whether the last call was answered. */
  get up(): boolean {
    return this.#answered && this.#state.type === 'ready';
  }

  /** Resolves at the end of the first attempt; with its failure, if it failed. */
  async start(): Promise<BrokerError | undefined> {
    if (this.#running === undefined && this.#state.type === 'idle') this.#running = this.#run();
    if (this.#state.type === 'connecting') await this.#state.attempt;
    return this.#state.type === 'resting' ? this.#state.failure : undefined;
  }

  /** @throws BrokerError */
  async call(verb: string, args: readonly string[], sending = this.#sending()): Promise<Reply> {
    return this.#send(await this.#ready(verb, sending.until), verb, args, sending);
  }

  /** Runs a script; one that the server does not know yet (restart, SCRIPT FLUSH) is loaded. @throws BrokerError */
  async run(
    verb: string,
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    sending = this.#sending(),
  ): Promise<Reply> {
    const link = await this.#ready(verb, sending.until);
    const command = evalOf(script, keys, args);
    try {
      return await this.#send(link, verb, command, sending);
    } catch (error) {
      if (replyCode(error) !== 'NOSCRIPT') throw error;
      // Together: a slow server leaves time for two round trips, not for three.
      const loading = this.#send(link, verb, ['SCRIPT', 'LOAD', script.text], {
        ...sending,
        asking: false,
      });
      const [, reply] = await Promise.all([loading, this.#send(link, verb, command, sending)]);
      return reply;
    }
  }

  /** Ends the link and the attempts; pending calls end at once. */
  async close(): Promise<void> {
    this.#state = { type: 'closed' };
    this.#closing.abort();
    await this.#running;
  }

  /** Each call has one deadline, whatever it takes: waiting for the connection, loading the script. */
  #sending(): Sending {
    return { until: this.#options.clock.monotonic() + this.#options.callDeadlineMs, asking: false };
  }

  async #send(link: Link, verb: string, args: readonly string[], sending: Sending): Promise<Reply> {
    try {
      const left = Math.max(0, sending.until - this.#options.clock.monotonic());
      // It holds for the next command on the connection: nothing may come between. That one tells what fails.
      if (sending.asking) void link.send('ASKING', ['ASKING'], left).catch(() => {});
      const reply = await link.send(verb, args, left);
      this.#answered = true;
      return reply;
    } catch (error) {
      if (this.#state.type === 'closed') throw closed(verb);
      if (RECONNECT.has(replyCode(error))) link.destroy();
      // An error reply is an answer as well.
      this.#answered = error instanceof BrokerError && error.disposition !== 'unknown';
      throw error;
    }
  }

  async #ready(verb: string, until: number): Promise<Link> {
    if (this.#state.type === 'connecting') await this.#waitFor(this.#state.attempt, until);
    const state = this.#state;
    switch (state.type) {
      case 'ready':
        return state.link;
      case 'connecting':
        throw notConnected(verb, 'it does not answer');
      case 'closed':
        throw closed(verb);
      case 'resting':
        this.#answered = false;
        throw notSent(state.failure);
      default:
        throw notConnected(verb, 'it was not started');
    }
  }

  /** The end of an attempt, at most until the deadline of the call. */
  async #waitFor(attempt: Promise<void>, until: number): Promise<void> {
    const ended = new AbortController();
    const left = Math.max(0, until - this.#options.clock.monotonic());
    await Promise.race([attempt, this.#options.clock.sleep(left, ended.signal)]);
    ended.abort();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#isClosed()) {
      const attempt = this.#attempt();
      this.#state = { type: 'connecting', attempt: attempt.then(() => {}) };
      const outcome = await attempt;
      if (outcome instanceof BrokerError) {
        failures++;
      } else {
        const since = this.#options.clock.monotonic();
        await outcome.ended;
        // One that never lasts, as on a replica that refuses each write, is no reason to begin anew.
        failures = this.#options.clock.monotonic() - since > LONGEST_REST_MS ? 0 : failures + 1;
        if (!this.#isClosed()) this.#rest(notConnected('reconnect', 'the connection was lost'));
      }
      if (!this.#isClosed())
        await this.#options.clock.sleep(this.#restMs(outcome, failures), this.#closing.signal);
    }
  }

  /** One try: connect, check. The state is set before this resolves, so that who waits for it finds the end. */
  async #attempt(): Promise<Link | BrokerError> {
    let link: Link | undefined;
    try {
      const { callDeadlineMs } = this.#options;
      link = await openLink({
        ...this.#options,
        connectDeadlineMs: callDeadlineMs,
        signal: this.#closing.signal,
      });
      await this.#options.check(link);
      if (this.#isClosed()) return link;
      this.#state = { type: 'ready', link };
      this.#answered = true;
      if (this.#reported !== '') this.#options.log.info('broker connected');
      this.#reported = '';
      return link;
    } catch (error) {
      link?.destroy();
      const failure = error instanceof BrokerError ? error : notConnected('connect', error);
      if (!this.#isClosed()) this.#rest(failure);
      return failure;
    }
  }

  #rest(failure: BrokerError): void {
    this.#answered = false;
    this.#state = { type: 'resting', failure };
    if (this.#reported === failure.message) return;
    this.#reported = failure.message;
    this.#options.log.warn('broker not connected, trying again until it is', { reason: failure.message });
  }

  #restMs(outcome: Link | BrokerError, failures: number): number {
    if (outcome instanceof BrokerError && outcome.disposition === 'fatal') return FATAL_REST_MS;
    const most = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(failures, 10));
    return most * (0.5 + this.#options.random() / 2);
  }

  #isClosed(): boolean {
    return this.#state.type === 'closed';
  }
}

/** The code of an error reply, '' of any other failure. */
function replyCode(error: unknown): string {
  return /^[A-Z]+/.exec(replyText(error))?.[0] ?? '';
}

/** The failure of an attempt as the end of a call that was never sent. */
function notSent(failure: BrokerError): BrokerError {
  const disposition = failure.disposition === 'fatal' ? 'fatal' : 'refused';
  return new BrokerError(disposition, failure.message, { code: failure.code, cause: failure });
}

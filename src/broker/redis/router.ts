import { BrokerError } from '../broker-error.ts';
import { Connection, type Sending } from './connection.ts';
import { unserved } from './errors.ts';
import { isClusterNode } from './fitness.ts';
import type { Link, Reply } from './link.ts';
import { NodeCheck } from './node-check.ts';
import { addressIn, Nodes, type NodesOptions, urlAt } from './nodes.ts';
import { redirectionOf } from './redirection.ts';
import type { Script } from './scripts.ts';
import { slotOf } from './slot.ts';
import { hostOf, SlotMap } from './slot-map.ts';

/** The most nodes that one call is sent to: more only says that the cluster is not of one mind. */
const MOST_HOPS = 5;
/** Between two looks at the map. */
const REST_MS = 250;

/**
 *     unknown ──the first answer──▶ single, or cluster
 *
 * unknown: no server has answered yet; calls wait for the first connection, or fail with its failure.
 */
type Site =
  | { readonly type: 'unknown' }
  | { readonly type: 'single' }
  | { readonly type: 'cluster'; readonly slots: SlotMap };

/**
 * Brings each call to the server that has its key. A single server is asked as it is; of a cluster the url names any node,
 * and calls follow the slots wherever they move.
 */
export class Router {
  readonly #options: NodesOptions;
  /** To the url. In a cluster it tells the map, and is the connection to its node if the map names it like the url. */
  readonly #seed: Connection;
  readonly #check: NodeCheck;
  readonly #nodes: Nodes;
  readonly #closing = new AbortController();
  #site: Site = { type: 'unknown' };
  #known!: () => void;
  /** Resolves when a server has answered, or at `close`. */
  readonly known: Promise<void> = new Promise((resolve) => {
    this.#known = resolve;
  });
  #looking = false;

  constructor(options: NodesOptions) {
    this.#options = options;
    this.#seed = new Connection({ ...options, check: (link) => this.#look(link) });
    this.#check = new NodeCheck(options);
    this.#nodes = new Nodes(options, this.#seed, this.#check);
  }

  /** Whether the last call was answered; in a cluster, by any of the nodes that are asked for keys. */
  get up(): boolean {
    return this.#site.type === 'cluster' ? this.#nodes.up : this.#seed.up;
  }

  /** Null: no server has answered yet. */
  get isCluster(): boolean | null {
    return this.#site.type === 'unknown' ? null : this.#site.type === 'cluster';
  }

  /**
   * Resolves at the end of the first attempt; with its failure, if it failed. Of a cluster's other nodes only what a person
   * must change is a failure: those that do not answer will be back, or their slots move.
   */
  async start(): Promise<BrokerError | undefined> {
    const failure = await this.#seed.start();
    if (failure !== undefined || this.#site.type !== 'cluster') return failure;
    const failures = await Promise.all(this.#nodes.all().map(([, connection]) => connection.start()));
    return failures.find((each) => each?.code === 'ERR_BROKER_UNFIT');
  }

  /** A command that touches `key`, and perhaps others of its queue. @throws BrokerError */
  call(verb: string, args: readonly string[], key: string): Promise<Reply> {
    if (this.#site.type === 'single') return this.#seed.call(verb, args);
    return this.#route(verb, key, (connection, sending) => connection.call(verb, args, sending));
  }

  /** A script; all its keys are of one queue. @throws BrokerError */
  run(verb: string, script: Script, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    if (this.#site.type === 'single') return this.#seed.run(verb, script, keys, args);
    return this.#route(verb, keys[0] ?? '', (connection, sending) =>
      connection.run(verb, script, keys, args, sending),
    );
  }

  /** The server that has the key, as `urlOf` told it. @throws BrokerError */
  callAt(url: string, verb: string, args: readonly string[]): Promise<Reply> {
    const node = this.#nodes.all().find(([address]) => urlAt(this.#options.url, address) === url);
    return (node?.[1] ?? this.#seed).call(verb, args);
  }

  /** Where a connection for this key has to lead. */
  urlOf(key: string): string {
    const owner = this.#site.type === 'cluster' ? this.#site.slots.ownerOf(slotOf(key)) : undefined;
    return owner === undefined ? this.#options.url : urlAt(this.#options.url, owner);
  }

  /** A call was not executed, or not answered: if the slots have moved, it will be known soon. */
  doubt(): void {
    if (this.#site.type !== 'cluster' || this.#looking || this.#closing.signal.aborted) return;
    this.#looking = true;
    void this.#lookAgain().finally(() => {
      this.#looking = false;
    });
  }

  /** Ends the connections and the attempts; pending calls end at once. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#known();
    await this.#nodes.close();
  }

  async #route(
    verb: string,
    key: string,
    send: (connection: Connection, sending: Sending) => Promise<Reply>,
  ): Promise<Reply> {
    const { clock, callDeadlineMs } = this.#options;
    const until = clock.monotonic() + callDeadlineMs;
    let [connection, host] = this.#holderOf(verb, key);
    let asking = false;
    for (let hop = 1; ; hop++) {
      try {
        return await send(connection, { until, asking });
      } catch (error) {
        const redirection = redirectionOf(error, host);
        if (!needsPerson(error)) this.doubt();
        if (redirection === null || hop === MOST_HOPS || clock.monotonic() >= until) throw error;
        const { type, to } = redirection;
        if (type === 'moved' && this.#site.type === 'cluster') this.#site.slots.move(slotOf(key), to);
        asking = type === 'ask';
        [connection, host] = [this.#nodes.at(to), hostOf(to)];
      }
    }
  }

  #holderOf(verb: string, key: string): readonly [Connection, host: string] {
    if (this.#site.type !== 'cluster') return [this.#seed, this.#seedHost];
    const owner = this.#site.slots.ownerOf(slotOf(key));
    if (owner !== undefined) return [this.#nodes.use(owner), hostOf(owner)];
    this.doubt();
    throw unserved(verb);
  }

  /** What kind of server the url leads to, asked of each new connection: it may lead elsewhere than before. */
  async #look(link: Link): Promise<void> {
    const { callDeadlineMs } = this.#options;
    const info = await this.#check.inform(link, addressIn(this.#options.url));
    if (isClusterNode(info)) {
      const reply = await link.send('CLUSTER', ['CLUSTER', 'SLOTS'], callDeadlineMs);
      const slots = SlotMap.from(reply, this.#seedHost);
      // A node that was taken out of its cluster stays up and knows no owner: what the others told holds.
      if (!slots.isEmpty || this.#site.type !== 'cluster') this.#learn(slots);
    } else {
      this.#site = { type: 'single' };
      this.#nodes.settle(new Set());
    }
    this.#known();
  }

  #learn(slots: SlotMap): void {
    this.#site = { type: 'cluster', slots };
    this.#nodes.settle(slots.owners);
  }

  /** Asks one node after the other for the map, until one tells it: one that knows no owner is no longer of the cluster. */
  async #lookAgain(): Promise<void> {
    await this.#options.clock.sleep(REST_MS * (0.5 + this.#options.random() / 2), this.#closing.signal);
    for (const [address, connection] of this.#nodes.all()) {
      if (this.#closing.signal.aborted) return;
      const reply = await connection.call('CLUSTER', ['CLUSTER', 'SLOTS']).catch(() => null);
      if (reply === null || this.#closing.signal.aborted) continue;
      const slots = SlotMap.from(reply, hostOf(address));
      if (!slots.isEmpty) return this.#learn(slots);
    }
  }

  get #seedHost(): string {
    return hostOf(addressIn(this.#options.url));
  }
}

/** What only a person can change has nothing to do with where slots are. */
const needsPerson = (error: unknown): boolean =>
  error instanceof BrokerError && error.disposition === 'fatal';

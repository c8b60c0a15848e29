import { Connection, type ConnectionOptions } from './connection.ts';
import type { NodeCheck } from './node-check.ts';
import type { Address } from './slot-map.ts';

export type NodesOptions = Omit<ConnectionOptions, 'check'>;

/** A connection to each node of a cluster that has slots, or is about to get one. */
export class Nodes {
  readonly #options: NodesOptions;
  readonly #check: NodeCheck;
  readonly #closing = new AbortController();
  readonly #seed: Connection;
  readonly #connections: Map<Address, Connection>;
  #owners: ReadonlySet<Address> = new Set();
  /** Those of the owners that were asked for keys. */
  readonly #used = new Set<Address>();

  /** `seed` leads to the url: it is kept, whether the url names a node as the others do or not. */
  constructor(options: NodesOptions, seed: Connection, check: NodeCheck) {
    this.#options = options;
    this.#check = check;
    this.#seed = seed;
    this.#connections = new Map([[addressIn(options.url), seed]]);
  }

  /**
   * Whether a node that is in use has answered last. When one of several does not, work goes on: its queues alone are
   * away, and their sessions say so.
   */
  get up(): boolean {
    const asked = this.#used.size > 0 ? this.#used : this.#owners;
    return [...asked].some((address) => this.#connections.get(address)?.up);
  }

  /** The connection to the node that has a key. */
  use(address: Address): Connection {
    this.#used.add(address);
    return this.at(address);
  }

  /** The connection to a node; made, if there is none. */
  at(address: Address): Connection {
    const known = this.#connections.get(address);
    if (known !== undefined) return known;
    const made = new Connection({
      ...this.#options,
      url: urlAt(this.#options.url, address),
      check: async (link) => void (await this.#check.inform(link, address)),
    });
    this.#connections.set(address, made);
    if (!this.#closing.signal.aborted) void made.start();
    return made;
  }

  /** Those that are connected first. */
  all(): readonly (readonly [Address, Connection])[] {
    return [...this.#connections].sort(([, one], [, other]) => Number(other.up) - Number(one.up));
  }

  /** The nodes that have slots now. Others are let go when no call can be on its way to them any more. */
  settle(owners: ReadonlySet<Address>): void {
    this.#owners = owners;
    for (const address of this.#used) if (!owners.has(address)) this.#used.delete(address);
    for (const address of owners) this.at(address);
    const left = [...this.#connections].filter(
      ([address, connection]) => !owners.has(address) && connection !== this.#seed,
    );
    if (left.length > 0) void this.#letGo(left);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
  }

  async #letGo(left: readonly (readonly [Address, Connection])[]): Promise<void> {
    const { clock, callDeadlineMs } = this.#options;
    await clock.sleep(callDeadlineMs, this.#closing.signal);
    for (const [address, connection] of left) {
      if (this.#owners.has(address) || this.#connections.get(address) !== connection) continue;
      this.#connections.delete(address);
      await connection.close();
    }
  }
}

/** The node that a url names. */
export function addressIn(url: string): Address {
  const { hostname, port } = new URL(url);
  return `${hostname || '127.0.0.1'}:${port || '6379'}`;
}

/** The same user and encryption, another node. */
export function urlAt(url: string, address: Address): string {
  const { protocol, username, password } = new URL(url);
  const secret = password === '' ? '' : `:${password}`;
  const login = username === '' && password === '' ? '' : `${username}${secret}@`;
  return `${protocol}//${login}${address}`;
}

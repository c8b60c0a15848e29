import type { Reply } from './link.ts';
import { SLOTS } from './slot.ts';

/** Host and port of a node, as in `10.0.0.7:6379` or `[::1]:6379`. */
export type Address = string;

/** Which node has which slot, as far as is known. */
export class SlotMap {
  readonly #owners: (Address | undefined)[];

  private constructor(owners: (Address | undefined)[]) {
    this.#owners = owners;
  }

  /**
   * From the reply to CLUSTER SLOTS: ranges, each with its nodes, the master first. `host` is that of the node which was
   * asked: it stands where a node does not know its own name.
   */
  static from(reply: Reply, host: string): SlotMap {
    const owners = new Array<Address | undefined>(SLOTS).fill(undefined);
    for (const range of Array.isArray(reply) ? (reply as readonly Reply[]) : []) {
      const [first, last, master] = range as readonly Reply[];
      const [name, port] = master as readonly Reply[];
      owners.fill(addressOf(String(name ?? ''), Number(port), host), Number(first), Number(last) + 1);
    }
    return new SlotMap(owners);
  }

  ownerOf(slot: number): Address | undefined {
    return this.#owners[slot];
  }

  /** What a node says of one slot when it is asked for it in vain. */
  move(slot: number, to: Address): void {
    this.#owners[slot] = to;
  }

  /** No node has a slot, as far as is known. */
  get isEmpty(): boolean {
    return this.#owners.every((owner) => owner === undefined);
  }

  /** Each node that has a slot. */
  get owners(): ReadonlySet<Address> {
    return new Set(this.#owners.filter((owner) => owner !== undefined));
  }
}

export function addressOf(name: string, port: number, host: string): Address {
  const known = name === '' || name === '?' ? host : name;
  return `${known.includes(':') && !known.startsWith('[') ? `[${known}]` : known}:${port}`;
}

/** The host of an address, as a URL has it. */
export const hostOf = (address: Address): string => address.slice(0, address.lastIndexOf(':'));

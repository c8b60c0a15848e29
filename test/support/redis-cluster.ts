/** A real Redis Cluster of masters on loopback. */

import { SLOTS, slotOf } from '../../src/broker/redis/slot.ts';
import { plainClient } from './redis-broker.ts';
import { freePort, type RedisServer, startRedis } from './redis-server.ts';
import { until } from './until.ts';

/** Nobody is taken for dead because the machine is busy. */
const NODE_TIMEOUT_MS = 15_000;

export interface RedisCluster {
  /** The masters, in the order of their slots. */
  readonly nodes: readonly RedisServer[];
  readonly replicas: RedisServer[];
  /** Of one node. */
  readonly url: string;
  /** The node that was given the slot of this key when the cluster was made. */
  holderOf(key: string): RedisServer;
  stop(): Promise<void>;
}

export interface RedisClusterOptions {
  readonly masters?: number;
  readonly persistence?: 'none' | 'aof';
}

/** Resolves when every node serves. The slots of a node that is away do not stop the others. */
export async function startCluster({
  masters = 3,
  persistence = 'none',
}: RedisClusterOptions = {}): Promise<RedisCluster> {
  const nodes: RedisServer[] = [];
  const replicas: RedisServer[] = [];
  const stop = async () => {
    await Promise.all([...nodes, ...replicas].map((node) => node.stop()));
  };
  try {
    const bus = await Promise.all(Array.from({ length: masters }, () => freePort()));
    for (const port of bus) nodes.push(await startRedis({ persistence, args: clusterArgs(port) }));
    await join(nodes, String(bus[0]));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    nodes,
    replicas,
    url: nodes[0]!.url,
    holderOf: (key) => nodes[Math.floor((slotOf(key) * nodes.length) / SLOTS)]!,
    stop,
  };
}

/** A further node, in sync with a master. It is stopped with the cluster. */
export async function addReplica(cluster: RedisCluster, master: RedisServer): Promise<RedisServer> {
  const bus = await freePort();
  const replica = await startRedis({ args: clusterArgs(bus) });
  cluster.replicas.push(replica);
  await ask(master.port, 'CLUSTER', 'MEET', '127.0.0.1', String(replica.port), String(bus));
  const id = String(await ask(master.port, 'CLUSTER', 'MYID'));
  await until(async () => String(await ask(replica.port, 'CLUSTER', 'NODES')).includes(id));
  await ask(replica.port, 'CLUSTER', 'REPLICATE', id);
  await until(async () =>
    String(await ask(replica.port, 'INFO', 'replication')).includes('master_link_status:up'),
  );
  return replica;
}

/** Sends one command to a node. */
export async function ask(port: number, ...command: string[]): Promise<unknown> {
  const client = await plainClient(`redis://127.0.0.1:${port}`);
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

/** Names of queues, one for each node. */
export function queueForEach(cluster: RedisCluster, keyOf: (queue: string) => string): readonly string[] {
  return cluster.nodes.map((node) => {
    for (let n = 0; ; n++) if (cluster.holderOf(keyOf(`q${n}`)) === node) return `q${n}`;
  });
}

const clusterArgs = (bus: number): string[] => [
  ...['--cluster-enabled', 'yes', '--cluster-port', String(bus)],
  ...['--cluster-node-timeout', String(NODE_TIMEOUT_MS), '--cluster-require-full-coverage', 'no'],
];

async function join(nodes: readonly RedisServer[], firstBus: string): Promise<void> {
  const [first] = nodes;
  for (const [n, { port }] of nodes.entries()) {
    const range = [Math.ceil((n * SLOTS) / nodes.length), Math.ceil(((n + 1) * SLOTS) / nodes.length) - 1];
    await ask(port, 'CLUSTER', 'ADDSLOTSRANGE', ...range.map(String));
    await ask(port, 'CLUSTER', 'SET-CONFIG-EPOCH', String(n + 1));
    if (n > 0) await ask(port, 'CLUSTER', 'MEET', '127.0.0.1', String(first!.port), firstBus);
  }
  for (const { port } of nodes) {
    await until(async () => {
      const info = String(await ask(port, 'CLUSTER', 'INFO'));
      const whole = info.includes(`cluster_known_nodes:${nodes.length}`) && info.includes('cluster_state:ok');
      return whole && info.includes(`cluster_slots_ok:${SLOTS}`);
    });
  }
}

/** How often a node has answered with an error of this code. */
export async function errorsOf({ port }: RedisServer, code: string): Promise<number> {
  const stats = String(await ask(port, 'INFO', 'errorstats'));
  return Number(new RegExp(`^errorstat_${code}:count=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
}

/** A slot on its way from one node to another, step by step, as `redis-cli --cluster reshard` does it. */
export class SlotMove {
  readonly #slot: string;
  readonly #from: RedisServer;
  readonly #to: RedisServer;
  readonly #id: string;

  private constructor(slot: number, from: RedisServer, to: RedisServer, id: string) {
    this.#slot = String(slot);
    this.#from = from;
    this.#to = to;
    this.#id = id;
  }

  /** From here on the slot is open: what needs several keys of it is refused when one is not there. */
  static async begin(slot: number, from: RedisServer, to: RedisServer): Promise<SlotMove> {
    const id = String(await ask(to.port, 'CLUSTER', 'MYID'));
    const source = String(await ask(from.port, 'CLUSTER', 'MYID'));
    await ask(to.port, 'CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', source);
    await ask(from.port, 'CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', id);
    return new SlotMove(slot, from, to, id);
  }

  /** The source has no key of it any more, and sends who asks for one to the target. */
  async moveKeys(): Promise<void> {
    for (;;) {
      const keys = (await ask(this.#from.port, 'CLUSTER', 'GETKEYSINSLOT', this.#slot, '10')) as string[];
      if (keys.length === 0) return;
      const target = ['127.0.0.1', String(this.#to.port), '', '0', '5000'];
      await ask(this.#from.port, 'MIGRATE', ...target, 'KEYS', ...keys);
    }
  }

  /** The target has the slot, and every node knows it. */
  async end(nodes: readonly RedisServer[]): Promise<void> {
    const others = nodes.filter((node) => node !== this.#to);
    for (const { port } of [this.#to, ...others])
      await ask(port, 'CLUSTER', 'SETSLOT', this.#slot, 'NODE', this.#id);
  }
}

/** As `redis-cli --cluster reshard` and `del-node`: all its slots go to the first other one, then it is alone, and up. */
export async function removeNode(
  node: RedisServer,
  others: readonly [RedisServer, ...RedisServer[]],
): Promise<void> {
  const [heir] = others;
  const client = await plainClient(node.url);
  const count = async (slot: number) =>
    Number(await client.sendCommand(['CLUSTER', 'COUNTKEYSINSLOT', String(slot)]));
  const id = String(await client.sendCommand(['CLUSTER', 'MYID']));
  const slots = await slotsOf(node.port, id);
  const counts = await Promise.all(slots.map(count));
  client.destroy();
  for (const slot of slots.filter((_, n) => counts[n]! > 0)) {
    const move = await SlotMove.begin(slot, node, heir);
    await move.moveKeys();
    await move.end(others);
  }
  const heirId = String(await ask(heir.port, 'CLUSTER', 'MYID'));
  for (const { url } of others) {
    const each = await plainClient(url);
    await Promise.all(
      slots.map((slot) => each.sendCommand(['CLUSTER', 'SETSLOT', String(slot), 'NODE', heirId])),
    );
    each.destroy();
  }
  for (const { port } of others) await ask(port, 'CLUSTER', 'FORGET', id);
  await ask(node.port, 'CLUSTER', 'RESET', 'SOFT');
}

async function slotsOf(port: number, id: string): Promise<number[]> {
  const ranges = (await ask(port, 'CLUSTER', 'SLOTS')) as [number, number, [string, number, string]][];
  return ranges
    .filter(([, , [, , owner]]) => owner === id)
    .flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, n) => first + n));
}

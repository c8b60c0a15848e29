/** A real Redis Cluster of masters on loopback. */

import { slotOf } from '../../src/broker/redis/slot.ts';
import { plainClient } from './redis-broker.ts';
import { freePort, type RedisServer, startRedis } from './redis-server.ts';
import { until } from './until.ts';

const SLOTS = 16_384;
const NODE_TIMEOUT_MS = 1_000;

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
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
export async function startCluster({ masters = 3, persistence = 'none' }: RedisClusterOptions = {}) {
  const nodes: RedisServer[] = [];
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    const bus = await Promise.all(Array.from({ length: masters }, () => freePort()));
    for (const port of bus) nodes.push(await startRedis({ persistence, args: clusterArgs(port) }));
    await join(nodes, String(bus[0]));
  } catch (error) {
    await stop();
    throw error;
  }
  const cluster: RedisCluster = {
    nodes,
    url: nodes[0]!.url,
    holderOf: (key) => nodes[Math.floor((slotOf(key) * nodes.length) / SLOTS)]!,
    stop,
  };
  return cluster;
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

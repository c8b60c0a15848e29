import { queueKeys } from '../../../dist/broker/redis/keys.js';
import { SLOTS, slotOf } from '../../../dist/broker/redis/slot.js';
import { freePort, RedisServer, type RedisSite, type RedisUse } from './redis-server.ts';
import type { Workspace } from './workspace.ts';

/** Nobody is taken for dead because the machine is busy. */
const NODE_TIMEOUT_MS = 60_000;
const READY_MS = 30_000;
/** That of a configuration which names none. */
const NAMESPACE = 'forkloop';

/** A Redis Cluster of masters on loopback, of the benchmark's own. */
export class RedisCluster implements RedisSite {
  readonly #nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.#nodes = nodes;
  }

  static async start(workspace: Workspace, masters: number): Promise<RedisCluster> {
    const nodes: RedisServer[] = [];
    for (let node = 0; node < masters; node++) {
      const bus = await freePort();
      nodes.push(await RedisServer.start(workspace, 'off', argumentsOf(bus)));
      const { admin } = nodes[node]!;
      const range = [Math.ceil((node * SLOTS) / masters), Math.ceil(((node + 1) * SLOTS) / masters) - 1];
      await admin.call('CLUSTER', 'ADDSLOTSRANGE', ...range);
      await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', node + 1);
      if (node > 0) await nodes[0]!.admin.call('CLUSTER', 'MEET', '127.0.0.1', nodes[node]!.port, bus);
    }
    for (const node of nodes) await untilWhole(node, masters);
    return new RedisCluster(nodes);
  }

  /** Of one node. */
  get url(): string {
    return this.#nodes[0]!.url;
  }

  get port(): number {
    return this.#nodes[0]!.port;
  }

  /** Names of queues, one on each master. */
  get queues(): readonly string[] {
    return this.#nodes.map((_, node) => {
      for (let number = 0; ; number++) {
        const slot = slotOf(queueKeys(NAMESPACE, `queue-${number}`).wake);
        if (Math.floor((slot * this.#nodes.length) / SLOTS) === node) return `queue-${number}`;
      }
    });
  }

  async empty(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.empty()));
  }

  /** Of all nodes together. */
  async use(): Promise<RedisUse> {
    const uses = await Promise.all(this.#nodes.map((node) => node.use()));
    const sum = (name: keyof RedisUse) => uses.reduce((total, use) => total + use[name], 0);
    return { cpuUs: sum('cpuUs'), scriptUs: sum('scriptUs') };
  }

  async memory(): Promise<number> {
    const each = await Promise.all(this.#nodes.map((node) => node.memory()));
    return each.reduce((total, bytes) => total + bytes, 0);
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) await node.stop();
  }
}

const argumentsOf = (bus: number): readonly string[] => [
  ...['--cluster-enabled', 'yes', '--cluster-port', String(bus)],
  ...['--cluster-node-timeout', String(NODE_TIMEOUT_MS)],
];

/** Each node knows all others and serves. */
async function untilWhole({ admin }: RedisServer, masters: number): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const info = String(await admin.call('CLUSTER', 'INFO'));
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${masters}`)) return;
    if (performance.now() > deadline) throw new Error(`the Redis Cluster does not form: ${info}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

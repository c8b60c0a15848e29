import type { Broker } from '../../src/broker/broker.ts';
import { BrokerError } from '../../src/broker/broker-error.ts';

/** `request`: it never arrives. `reply`: it is executed, but the answer is lost. */
export type Loss = 'request' | 'reply';

type Verb =
  | 'enqueue'
  | 'open'
  | 'exchange'
  | 'heartbeat'
  | 'resync'
  | 'sweep'
  | 'reclaim'
  | 'watermark'
  | 'fire'
  | 'setPaused'
  | 'retry'
  | 'delete'
  | 'purge';

export interface FlakyBroker {
  readonly broker: Broker;
  /** The next `times` calls of this verb lose their request or their reply. */
  lose(verb: Verb, loss: Loss, times?: number): void;
  /** Calls of this verb get no answer at all, until `cut` ends them. */
  stall(verb: Verb): void;
  /** From now on no call arrives, until `mend`. */
  cut(): void;
  mend(): void;
}

/** Any broker with faults that a test orders. */
export function flaky(inner: Broker): FlakyBroker {
  const orders: { verb: Verb; loss: Loss }[] = [];
  const stalled = new Set<string>();
  const stuck = new Set<() => void>();
  let connected = true;
  const broker = new Proxy(inner, {
    get(target, property) {
      const value = Reflect.get(target, property) as unknown;
      if (property === 'up') return connected;
      if (typeof value !== 'function') return value;
      return async (...given: unknown[]) => {
        const call = () => Reflect.apply(value, target, given) as unknown;
        if (property === 'wait' || property === 'close') return call();
        if (!connected) throw new BrokerError('refused', 'cut off');
        if (stalled.has(String(property))) {
          await new Promise<void>((resolve) => stuck.add(resolve));
          throw new BrokerError('unknown', 'no answer');
        }
        const order = orders.findIndex(({ verb }) => verb === property);
        if (order < 0) return call();
        const loss = orders.splice(order, 1)[0]?.loss;
        if (loss === 'request') throw new BrokerError('refused', `${String(property)}: request lost`);
        await call();
        throw new BrokerError('unknown', `${String(property)}: reply lost`);
      };
    },
  });
  return {
    broker,
    lose: (verb, loss, times = 1) => {
      for (let i = 0; i < times; i++) orders.push({ verb, loss });
    },
    stall: (verb) => {
      stalled.add(verb);
    },
    cut: () => {
      connected = false;
      for (const end of stuck) end();
    },
    mend: () => {
      connected = true;
      stalled.clear();
    },
  };
}

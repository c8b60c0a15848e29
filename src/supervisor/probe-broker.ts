import { openBrokerClient } from '../broker/open.ts';
import { brokerOptionsOf } from '../client/broker-options.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../lib/clock.ts';
import { createLogger } from '../lib/logger.ts';

const NOBODY = '00000000-0000-7000-8000-000000000000';

/**
 * Asks the broker of a configuration as a client does, once, and lets it go. Resolves when it has answered and is fit,
 * with what it was warned of.
 * @throws BrokerError ERR_BROKER_UNAVAILABLE, ERR_BROKER_UNFIT: the message says why
 */
export async function probeBroker(loaded: LoadedConfig, clock: Clock): Promise<readonly string[]> {
  const warnings: string[] = [];
  const log = createLogger(
    (_level, message) => warnings.push(message),
    {},
    (level) => level === 'warn',
  );
  const broker = openBrokerClient({ ...brokerOptionsOf(loaded), clock, log });
  try {
    await broker.start();
    // Each of them: they may lie on different nodes of a cluster.
    const queues = new Set(Object.values(loaded.config.pools).flatMap((pool) => pool.queues));
    await Promise.all([...queues].map((queue) => broker.results(queue, [NOBODY])));
    return warnings;
  } finally {
    await broker.close();
  }
}

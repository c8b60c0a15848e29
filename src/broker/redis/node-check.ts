import type { ConnectionOptions } from './connection.ts';
import { checkFitness, riskIn } from './fitness.ts';
import type { Link } from './link.ts';
import type { Address } from './slot-map.ts';

type NodeCheckOptions = Pick<ConnectionOptions, 'callDeadlineMs' | 'log'>;

/** What the server of each new connection is asked before it is used. */
export class NodeCheck {
  readonly #options: NodeCheckOptions;
  readonly #warned = new Set<Address>();

  constructor(options: NodeCheckOptions) {
    this.#options = options;
  }

  /**
   * Its reply to INFO, when it is fit. A server that may lose jobs is warned of, once.
   * @throws BrokerError ERR_BROKER_UNFIT, and whatever the link throws
   */
  async inform(link: Link, server: Address): Promise<string> {
    const info = String(await link.send('INFO', ['INFO'], this.#options.callDeadlineMs));
    checkFitness(info);
    const risk = riskIn(info);
    if (risk !== null && !this.#warned.has(server)) {
      this.#warned.add(server);
      this.#options.log.warn(risk, { server });
    }
    return info;
  }
}

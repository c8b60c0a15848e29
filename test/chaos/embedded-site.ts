/** The embedded store: each daemon owns a file, the producer comes in by its socket. */

import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerClient } from '../../src/broker/broker.ts';
import { openBrokerClient } from '../../src/broker/open.ts';
import type { BrokerAction } from './faults.ts';
import type { Event } from './history.ts';
import { QUEUES } from './settings.ts';
import type { Site } from './site.ts';
import { SmallDisk } from './small-disk.ts';
import { dumpStore } from './store-dump.ts';

export interface EmbeddedSiteOptions {
  /** Of the run; each daemon has a folder in it by its name. */
  readonly folder: string;
  readonly daemons: readonly string[];
  /** On a disk that can be filled. */
  readonly small: boolean;
}

const FILES = ['', '-wal', '-ballast'];

export class EmbeddedSite implements Site {
  readonly entrances: readonly string[];
  /** Where the files are, by daemon. */
  readonly stores: ReadonlyMap<string, string>;
  readonly #disk: SmallDisk | null;
  readonly #clients: readonly BrokerClient[];

  constructor({ folder, daemons, small }: EmbeddedSiteOptions) {
    const place = join(folder, 'stores');
    mkdirSync(place);
    this.#disk = small ? new SmallDisk(place) : null;
    this.stores = new Map(daemons.map((name) => [name, join(place, `${name}.db`)]));
    this.entrances = daemons.map((name) => join(folder, name, 'broker.sock'));
    this.#clients = this.entrances.map((socket) => openBrokerClient({ type: 'embedded', path: '', socket }));
  }

  async brokerFor(daemon: string): Promise<Readonly<Record<string, unknown>>> {
    return { type: 'embedded', path: this.stores.get(daemon) };
  }

  /** What is done to Redis alone does nothing here. */
  async act(action: BrokerAction): Promise<void> {
    if (action.do === 'full') await this.#disk?.fill(action.ms);
  }

  /** Asked as anybody asks the daemon. Ticks of schedules count: they end at once. */
  async left(): Promise<number | null> {
    try {
      let left = 0;
      for (const client of this.#clients) {
        for (const queue of QUEUES) {
          const { ready, delayed, inFlight } = await client.stats(queue);
          left += ready + delayed + inFlight;
        }
      }
      return left;
    } catch {
      return null;
    }
  }

  async dump(): Promise<readonly Event[]> {
    return [...this.stores].flatMap(([name, path]) => dumpStore(path, name));
  }

  keep(folder: string): void {
    for (const [name, path] of this.stores) {
      for (const file of FILES)
        if (existsSync(path + file)) cpSync(path + file, join(folder, `${name}.db${file}`));
    }
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
    this.#disk?.[Symbol.dispose]();
  }
}

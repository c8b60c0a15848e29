import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerError } from '../../src/broker/broker-error.ts';
import type { StoreRequest } from '../../src/broker/embedded/messages.ts';
import { Store } from '../../src/broker/embedded/store.ts';
import type { QueuePause } from '../../src/broker/messages/operator.ts';
import type { EpochMs } from '../../src/lib/clock.ts';
import type { Dice } from './dice.ts';
import { FaultyDatabase } from './faulty-database.ts';
import { START } from './machine.ts';
import type { Call, Death, Effect, Mortal, QueueImage, SimStore, Standing } from './sim-store.ts';
import type { StoreDisk } from './store-disk.ts';
import { readFiles, type StoreFiles, torn, writeFiles } from './store-files.ts';
import { Violation } from './truth.ts';

const PLACES: ReadonlyMap<number, Standing['place']> = new Map([
  [20, 'suspects'],
  [30, 'delayed'],
  [40, 'in_flight'],
  [50, 'dead'],
]);

/** The real store on real files, without its thread: one call at a time, each a transaction. */
export class EmbeddedStore implements SimStore, Mortal {
  readonly type = 'embedded';
  readonly #disk: StoreDisk;
  readonly #folder: string;
  readonly #dice: Dice;
  #file: FaultyDatabase;
  #store: Store;
  #lives = 0;
  #lastId = 0;

  constructor(disk: StoreDisk, dice: Dice) {
    this.#disk = disk;
    this.#folder = mkdtempSync(join(disk.folder, 'store-'));
    this.#dice = dice;
    [this.#file, this.#store] = this.#open(null);
  }

  async execute(call: Call, now: EpochMs): Promise<Effect> {
    const { value, error, woken } = this.#apply({ ...call, now });
    return { reply: value, error, image: this.#image(call.queue, now), awake: woken };
  }

  /** The call is carried out and the process dies in it: the effect as far as it is known, null if nothing is. */
  async dieIn(call: Call, now: EpochMs, death: Death): Promise<Effect | null> {
    const before = readFiles(this.#path);
    let effect: Effect | null = null;
    if (death === 'sync') {
      this.#file.failSync = this.#dice.pick(['before', 'after']);
      try {
        effect = await this.execute(call, now);
      } catch {
        // It is broken: whoever asked hears nothing.
      }
    } else {
      effect = await this.execute(call, now);
    }
    const after = readFiles(this.#path);
    const left = death === 'idle' || death === 'sync' ? after : torn(before, after, death, this.#dice);
    this.#file.real.close();
    this.#removeFiles();
    // What comes back needs the room that the dead one took.
    const { isFull } = this.#disk;
    this.#disk.empty();
    [this.#file, this.#store] = this.#open(left);
    if (isFull) this.#disk.fill();
    return effect;
  }

  async image(queue: string, now: EpochMs): Promise<QueueImage> {
    return this.#image(queue, now);
  }

  /** Nothing is damaged, by SQLite's own word. */
  get isSound(): boolean {
    const [found] = this.#file.real.pragma('integrity_check') as { integrity_check: string }[];
    return found?.integrity_check === 'ok';
  }

  async takeWake(): Promise<void> {}

  async setFull(full: boolean): Promise<void> {
    if (full) this.#disk.fill();
    else this.#disk.empty();
  }

  async close(): Promise<void> {
    this.#file.real.close();
    this.#removeFiles();
    this.#disk.empty();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Emptied first: the driver closes its files at some later time, and until then they would take room. */
  #removeFiles(): void {
    for (const file of readdirSync(this.#place)) truncateSync(join(this.#place, file));
    rmSync(this.#place, { recursive: true });
  }

  get #place(): string {
    return join(this.#folder, String(this.#lives));
  }

  get #path(): string {
    return join(this.#place, 'jobs.db');
  }

  /** Each life has a folder of its own, so that nothing but the files passes from one to the next. */
  #open(left: StoreFiles | null): [FaultyDatabase, Store] {
    this.#lives += 1;
    mkdirSync(this.#place);
    if (left !== null) writeFiles(this.#path, left);
    const file = new FaultyDatabase();
    return [file, new Store(this.#path, START, file.open)];
  }

  #apply(
    request: (Call & { now: EpochMs }) | { verb: 'list'; queue: string; now: EpochMs; argument: unknown },
  ): {
    value: unknown;
    error: BrokerError | null;
    woken: boolean;
  } {
    const { replies, woken } = this.#store.apply([{ id: ++this.#lastId, ...request } as StoreRequest]);
    const [reply] = replies;
    if (reply !== undefined && 'error' in reply) {
      const { disposition, message, code } = reply.error;
      return { value: null, error: new BrokerError(disposition, message, { code }), woken: false };
    }
    return { value: reply?.value, error: null, woken: woken.length > 0 };
  }

  #image(queue: string, now: EpochMs): QueueImage {
    const read = (sql: string, ...values: unknown[]) =>
      this.#file.statement(sql).all(values) as (string | number | null)[][];
    const id = read('select id from queue where name = ?', queue)[0]?.[0] ?? -1;
    const rows = read(
      'select line, rank, record from place join record on record.key = place.key where queue = ?',
      id,
    );
    const orphans = read('select count(*) from record where key not in (select key from place)')[0]?.[0];
    if (orphans !== 0) throw new Violation('P6', `${orphans} records have no place`);
    const isHeld = rows.some(([line]) => PLACES.get(Number(line)) === 'in_flight');
    const holders = isHeld ? this.#holders(queue, now) : new Map<string, string | null>();
    const jobs = rows.map(([line, rank, record]): Standing => {
      const place = PLACES.get(Number(line)) ?? 'ready';
      const text = String(record);
      return {
        record: text,
        place,
        priority: place === 'ready' ? Number(line) - 10 : null,
        at: place === 'delayed' || place === 'dead' ? Number(rank) : null,
        daemon: place === 'in_flight' ? (holders.get(text.slice(1, 37)) ?? null) : null,
        token: null,
      };
    });
    const unique = read('select text, id from unique_key where queue = ?', id);
    const schedules = read('select name, tick, holder from schedule where queue = ?', id);
    const [pause] = read('select version, paused_at from pause where queue = ?', id);
    return {
      jobs,
      leases: null,
      unique: new Map(unique.map(([key, holder]) => [String(key), String(holder)])),
      schedules: new Map(
        schedules.map(([name, tick, holder]) => [
          String(name),
          { tick: Number(tick), holder: holder === null ? null : String(holder) },
        ]),
      ),
      pause: pauseOf(pause),
      quarantined: 0,
      holding: null,
    };
  }

  #holders(queue: string, now: EpochMs): Map<string, string | null> {
    const argument = { state: 'in_flight', limit: 100_000 };
    const { value } = this.#apply({ verb: 'list', queue, now, argument });
    return new Map(
      (value as { record: string; daemon: string | null }[]).map(({ record, daemon }) => [
        record.slice(1, 37),
        daemon,
      ]),
    );
  }
}

function pauseOf(row: (string | number | null)[] | undefined): QueuePause {
  if (row === undefined) return { version: 0, pausedAt: null };
  return { version: Number(row[0]), pausedAt: row[1] === null ? null : Number(row[1]) };
}

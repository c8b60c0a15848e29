/** Where each schedule stands, and its next tick as a job, by the rules of the broker contract. */

import type { EpochMs } from '../../lib/clock.ts';
import { recordId } from '../job-record.ts';
import {
  type FireReply,
  type FireRequest,
  WATERMARK_AHEAD_MS,
  type Watermark,
  type WatermarkReply,
} from '../messages/schedule.ts';
import { readHeader } from './header.ts';
import { readyLine } from './placement.ts';
import { READY, type Shelf } from './shelf.ts';

export class Schedules {
  readonly #shelf: Shelf;
  readonly #onReady: () => void;

  /** `onReady`: something to claim was added. */
  constructor(shelf: Shelf, onReady: () => void) {
    this.#shelf = shelf;
    this.#onReady = onReady;
  }

  watermark(now: EpochMs, { schedule }: { schedule: string }): WatermarkReply {
    const known = this.#shelf.watermark(schedule);
    if (known !== null && known.tick <= now + WATERMARK_AHEAD_MS) return { watermark: known, now };
    const watermark = { tick: now, holder: null };
    this.#shelf.setWatermark(schedule, watermark);
    return { watermark, now };
  }

  fire(now: EpochMs, { schedule, previous, tick, record }: FireRequest): FireReply {
    const known = this.#shelf.watermark(schedule);
    if (known?.tick !== previous || tick <= previous || tick > now) return { watermark: known, now };
    const header = readHeader(record);
    const unique = header?.unique ?? null;
    const holder = unique === null ? null : this.#shelf.holderOf(unique);
    const watermark: Watermark = { tick, holder };
    this.#shelf.setWatermark(schedule, watermark);
    if (holder !== null) return { watermark, now };
    if (unique !== null) this.#shelf.hold(unique, recordId(record));
    this.#shelf.add([{ record, line: header === null ? READY : readyLine(header), rank: 'tail' }]);
    this.#shelf.tally('enqueued', 1);
    this.#onReady();
    return { watermark, now };
  }
}

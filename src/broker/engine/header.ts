/** Reads and rewrites the fixed-width header of a job record (see job-record.ts) without touching meta or input. */

import type { EpochMs } from '../../lib/clock.ts';
import { HEADER_LENGTH, recordId } from '../job-record.ts';

export interface Header {
  readonly id: string;
  readonly claims: number;
  readonly failures: number;
  readonly crashes: number;
  readonly recoveries: number;
  readonly priority: number;
  readonly keepResult: boolean;
  /** 0 = never. */
  readonly expiresAt: EpochMs;
  /** As it stands in the record (escaped); null when there is none. */
  readonly unique: string | null;
}

/** Version, id, counters and priority, flags, expiry and lengths. */
const SHAPE = /^1[0-9a-f-]{36}\d{15}[0-9a-f]\d{24}/i;

/** Null when this is not a record of ours. */
export function readHeader(record: string): Header | null {
  if (!SHAPE.test(record)) return null;
  const uniqueLength = Number(record.slice(66, 69));
  const textEnd = HEADER_LENGTH + uniqueLength + Number(record.slice(69, 73)) + Number(record.slice(73, 77));
  if (record.length < textEnd) return null;
  return {
    id: recordId(record),
    claims: Number(record.slice(37, 44)),
    failures: Number(record.slice(44, 47)),
    crashes: Number(record.slice(47, 49)),
    recoveries: Number(record.slice(49, 51)),
    priority: Number(record[51]),
    keepResult: record[52] === '1',
    expiresAt: Number(record.slice(53, 66)),
    unique: uniqueLength === 0 ? null : record.slice(HEADER_LENGTH, HEADER_LENGTH + uniqueLength),
  };
}

/** What decides where a job waits, from the first characters alone; 0 for what cannot be read. */
export function readStanding(record: string): Pick<Header, 'priority' | 'recoveries'> {
  return { priority: Number(record[51]) || 0, recoveries: Number(record.slice(49, 51)) || 0 };
}

export type Counters = Pick<Header, 'claims' | 'failures' | 'crashes' | 'recoveries'>;

/** The record with other counters, and with another error if one is given. Counters stop at what fits their width. */
export function rewrite(record: string, counters: Counters, error?: string): string {
  const start =
    record.slice(0, 37) +
    digits(counters.claims, 7) +
    digits(counters.failures, 3) +
    digits(counters.crashes, 2) +
    digits(counters.recoveries, 2) +
    record.slice(51, 73);
  if (error === undefined) return start + record.slice(73);
  const metaEnd = HEADER_LENGTH + Number(record.slice(66, 69)) + Number(record.slice(69, 73));
  const errorEnd = metaEnd + Number(record.slice(73, 77));
  return (
    start + digits(error.length, 4) + record.slice(HEADER_LENGTH, metaEnd) + error + record.slice(errorEnd)
  );
}

function digits(value: number, width: number): string {
  return String(Math.min(value, 10 ** width - 1)).padStart(width, '0');
}

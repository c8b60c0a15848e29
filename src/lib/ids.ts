import { randomFillSync } from 'node:crypto';
import { type EpochMs, systemClock } from './clock.ts';

/** Makes ids: UUIDv7, so they sort by the time they were made. Injected where a test needs to know them. */
export type NewId = () => string;

/** Random bytes of one id: four for the first sequence of its millisecond, six for its end. */
const WIDTH = 10;
/** Asking the system for the bytes of one id costs more than all the rest of a job's enqueue. */
const IDS_PER_FILL = 256;
/** So that the sequence has room to count up within its millisecond. */
const FIRST_SEQUENCE_MASK = 0x7fff_ffff;

const LENGTH = 36;
const DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

export interface IdSource {
  readonly now: () => EpochMs;
  readonly fill: (bytes: Uint8Array) => void;
}

/**
 * Each id is above the one before it, also within a millisecond and when the clock is set back.
 *
 * RFC 9562, 5.7, with the counter of 6.2, method 1: 48 bits of time, version, 12 bits of the sequence, variant, 20 bits of
 * the sequence, 42 random bits. Written by place: the libraries that make the same take several times as long and leave a
 * kilobyte of garbage for each id.
 */
export function idMaker({ now, fill }: IdSource): NewId {
  const pool = new Uint8Array(WIDTH * IDS_PER_FILL);
  const text = Buffer.alloc(LENGTH, '-');
  text.write('7', 14);
  let at = pool.length;
  let [msecs, seq] = [Number.NEGATIVE_INFINITY, 0];
  const byte = (index: number) => pool[at + index] as number;

  return () => {
    if (at === pool.length) {
      fill(pool);
      at = 0;
    }
    const time = now();
    if (time > msecs) {
      msecs = time;
      seq = ((byte(6) << 24) | (byte(7) << 16) | (byte(8) << 8) | byte(9)) & FIRST_SEQUENCE_MASK;
      writeTime(text, msecs);
    } else {
      seq = (seq + 1) >>> 0;
      if (seq === 0) writeTime(text, ++msecs);
    }
    writeHex(text, 15, 3, seq >>> 20);
    writeHex(text, 19, 4, 0x8000 | ((seq >>> 6) & 0x3fff));
    writeHex(text, 24, 4, ((seq & 0x3f) << 10) | ((byte(0) & 3) << 8) | byte(1));
    writeHex(text, 28, 8, (byte(2) << 24) | (byte(3) << 16) | (byte(4) << 8) | byte(5));
    at += WIDTH;
    return text.toString('latin1');
  };
}

function writeTime(text: Uint8Array, msecs: EpochMs): void {
  writeHex(text, 0, 8, Math.floor(msecs / 0x1_0000));
  writeHex(text, 9, 4, msecs % 0x1_0000);
}

function writeHex(text: Uint8Array, from: number, width: number, value: number): void {
  for (let at = from + width - 1, rest = value; at >= from; at--, rest >>>= 4)
    text[at] = DIGITS[rest & 15] as number;
}

export const newId: NewId = idMaker({ now: systemClock.now, fill: (bytes) => void randomFillSync(bytes) });

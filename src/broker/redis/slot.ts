/** Of a Redis Cluster. */
export const SLOTS = 16_384;

const OPEN = 0x7b;
const CLOSE = 0x7d;
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/**
 * The slot of a key: CRC-16/XMODEM of its hash tag, as a node's CLUSTER KEYSLOT says. Own code, because the package for it
 * (cluster-key-slot) is archived and disagrees with the server about `{}`, and the driver keeps its mended copy to itself.
 */
export function slotOf(key: string): number {
  const bytes = Buffer.from(key);
  const [from, to] = tagOf(bytes);
  let crc = 0;
  for (let at = from; at < to; at++) {
    crc = ((crc << 8) ^ (TABLE[((crc >> 8) ^ (bytes[at] ?? 0)) & 0xff] ?? 0)) & 0xffff;
  }
  return crc % SLOTS;
}

/** What is between the first brace and the next closing one; the whole key when that is nothing. */
function tagOf(bytes: Buffer): readonly [from: number, to: number] {
  const open = bytes.indexOf(OPEN);
  const close = open < 0 ? -1 : bytes.indexOf(CLOSE, open + 1);
  return close > open + 1 ? [open + 1, close] : [0, bytes.length];
}

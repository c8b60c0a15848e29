/** The wire format of Redis (RESP2): cuts a stream of bytes into whole messages. */

/** An error reply. */
export class ReplyError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Texts are latin1: each byte stays one character. */
export type Value = string | number | null | ReplyError | readonly Value[];

export interface Message {
  readonly value: Value;
  /** As it came. */
  readonly bytes: Buffer;
}

const NOT_YET = Symbol('more bytes are needed');

/** Takes bytes in pieces, gives back the messages that are complete. */
export class Cutter {
  #held: Buffer = Buffer.alloc(0);

  push(piece: Buffer): Message[] {
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    const messages: Message[] = [];
    for (;;) {
      const reader = new Reader(this.#held);
      const value = reader.read();
      if (value === NOT_YET) return messages;
      messages.push({ value, bytes: this.#held.subarray(0, reader.at) });
      this.#held = this.#held.subarray(reader.at);
    }
  }
}

class Reader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(): Value | typeof NOT_YET {
    const line = this.#line();
    if (line === null) return NOT_YET;
    const text = line.slice(1);
    switch (line[0]) {
      case '+':
        return text;
      case '-':
        return new ReplyError(text);
      case ':':
        return Number(text);
      case '$':
        return this.#bulk(Number(text));
      case '*':
        return this.#array(Number(text));
      default:
        throw new Error(`not RESP2: ${JSON.stringify(line.slice(0, 80))}`);
    }
  }

  #line(): string | null {
    const end = this.#bytes.indexOf('\r\n', this.at, 'latin1');
    if (end < 0) return null;
    const line = this.#bytes.toString('latin1', this.at, end);
    this.at = end + 2;
    return line;
  }

  #bulk(length: number): string | null | typeof NOT_YET {
    if (length < 0) return null;
    const end = this.at + length;
    if (this.#bytes.length < end + 2) return NOT_YET;
    const text = this.#bytes.toString('latin1', this.at, end);
    this.at = end + 2;
    return text;
  }

  #array(length: number): Value | typeof NOT_YET {
    if (length < 0) return null;
    const items: Value[] = [];
    for (let i = 0; i < length; i++) {
      const item = this.read();
      if (item === NOT_YET) return NOT_YET;
      items.push(item);
    }
    return items;
  }
}

import { createConnection, type Socket } from 'node:net';
import type { Reply } from '../../src/broker/redis/link.ts';

export type Answer = Reply | Error;

/** One connection to a redis-server's socket: commands go out together, answers come back in their order. */
export class RespConnection {
  readonly #socket: Socket;
  readonly #waiting: ((answers: Answer) => void)[] = [];
  #received: Buffer = Buffer.alloc(0);
  #at = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => this.#read(data));
    const failed = (error: Error) => {
      for (const resolve of this.#waiting.splice(0)) resolve(error);
    };
    socket.on('error', failed);
    socket.on('close', () => failed(new Error('the connection to the redis-server of the simulation ended')));
  }

  static async connect(path: string): Promise<RespConnection> {
    const socket = createConnection({ path });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RespConnection(socket);
  }

  /** The answers to commands that are written at once. An error reply is an Error among them. */
  send(...commands: readonly (readonly string[])[]): Promise<Answer[]> {
    const answers = commands.map(() => new Promise<Answer>((resolve) => this.#waiting.push(resolve)));
    this.#socket.write(commands.map(encode).join(''));
    return Promise.all(answers);
  }

  /** One command that must not fail. */
  async call(...command: readonly string[]): Promise<Reply> {
    const [answer] = await this.send(command);
    if (answer instanceof Error) throw answer;
    return answer ?? null;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    this.#received =
      this.#at < this.#received.length ? Buffer.concat([this.#received.subarray(this.#at), data]) : data;
    this.#at = 0;
    for (;;) {
      const start = this.#at;
      const answer = this.#parse();
      if (answer === undefined) {
        this.#at = start;
        return;
      }
      this.#waiting.shift()?.(answer);
    }
  }

  /** Undefined when the answer has not come whole. */
  #parse(): Answer | undefined {
    const end = this.#received.indexOf('\r\n', this.#at);
    if (end < 0) return undefined;
    const line = this.#received.toString('utf8', this.#at + 1, end);
    const kind = this.#received[this.#at];
    this.#at = end + 2;
    switch (kind) {
      case 0x2b: // +
        return line;
      case 0x2d: // -
        return new Error(line);
      case 0x3a: // :
        return Number(line);
      case 0x24: // $
        return this.#bulk(Number(line));
      default:
        return this.#array(Number(line));
    }
  }

  #bulk(length: number): string | null | undefined {
    if (length < 0) return null;
    const end = this.#at + length;
    if (this.#received.length < end + 2) return undefined;
    const text = this.#received.toString('utf8', this.#at, end);
    this.#at = end + 2;
    return text;
  }

  #array(length: number): Reply | undefined {
    if (length < 0) return null;
    const items: Reply[] = [];
    for (let i = 0; i < length; i++) {
      const item = this.#parse();
      if (item === undefined) return undefined;
      items.push(item as Reply);
    }
    return items;
  }
}

function encode(command: readonly string[]): string {
  let text = `*${command.length}\r\n`;
  for (const argument of command) text += `$${Buffer.byteLength(argument)}\r\n${argument}\r\n`;
  return text;
}

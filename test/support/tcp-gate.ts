/** A door to a server that can be led elsewhere, slowed down, or shut without a word. Loopback only. */

import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

export class TcpGate {
  readonly #server: Server;
  readonly #pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
  /** Where new connections go. */
  target: number;
  /** So long replies are on their way; in their order. */
  delayMs = 0;
  /** Of connections that are half open: nothing passes, and nobody is told. */
  readonly #silent = new Set<Socket>();
  #requests = 0;

  static async open(target: number): Promise<TcpGate> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpGate(server, target);
  }

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.target = target;
    server.on('connection', (near) => this.#join(near));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : -1;
  }

  /** Commands that went through, and connections that were made. */
  get requests(): number {
    return this.#requests;
  }

  /** The connections of now are half open from here on, as after a machine in between was restarted. New ones work. */
  silence(): void {
    for (const { near } of this.#pairs) this.#silent.add(near);
  }

  /** Ends the connections of now. */
  cut(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    const far = createConnection({ port: this.target, host: '127.0.0.1' });
    const pair = { near, far };
    this.#pairs.add(pair);
    for (const socket of [near, far]) socket.setNoDelay(true).on('error', () => {});
    this.#requests++;
    near.on('data', (piece) => {
      this.#requests += commandsIn(piece);
      if (!this.#silent.has(near)) far.write(piece);
    });
    far.on('data', (piece) => {
      if (this.delayMs === 0) this.#bring(near, piece);
      else setTimeout(() => this.#bring(near, piece), this.delayMs);
    });
    near.on('close', () => {
      this.#pairs.delete(pair);
      far.destroy();
    });
    far.on('close', () => {
      if (!this.#silent.has(near)) near.destroy();
    });
  }

  #bring(near: Socket, piece: Buffer): void {
    if (!this.#silent.has(near) && near.writable) near.write(piece);
  }
}

/** Each begins with an array of bulk strings; a command that is cut in two pieces counts once. */
const commandsIn = (piece: Buffer): number => piece.toString('latin1').match(/\*\d+\r\n\$/g)?.length ?? 0;

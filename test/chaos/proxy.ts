/**
 * Stands between the processes of a run and Redis. It knows where each message begins and ends and which verb it is, so
 * that a fault can hit the third `exchange`; and since it sees every request and every reply, it writes the history of what
 * Redis was really asked. Scripts are let through one at a time: their order in the history is the order of their effects.
 */

import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { Scripts, VERBS, type Verb } from '../../src/broker/redis/scripts.ts';
import { callOf } from './calls.ts';
import { type Action, isWire, type Rule, type RuleBook, type WireAction } from './faults.ts';
import { type Event, monotonicMs } from './history.ts';
import { Cutter, type Message } from './resp.ts';

export interface ProxyOptions {
  readonly redisPort: number;
  readonly rules: RuleBook;
  readonly record: (event: Event, t?: number) => void;
  /** A rule was met whose action is done to processes. */
  readonly act: (action: Action) => void;
}

/** A place to connect to; what comes through it is known by its name. */
interface Door {
  readonly name: string;
  readonly server: Server;
  readonly wires: Set<Wire>;
  blackUntil: number;
}

export class FaultProxy {
  readonly #options: ProxyOptions;
  readonly #doors = new Map<string, Door>();
  readonly #verbs: ReadonlyMap<string, Verb>;
  readonly turn = new Turn();

  constructor(options: ProxyOptions) {
    this.#options = options;
    const scripts = new Scripts();
    this.#verbs = new Map(VERBS.map((verb) => [scripts.get(verb).sha, verb]));
  }

  /** Opens a door and answers its port. */
  async open(name: string): Promise<number> {
    const server = createServer((client) => this.#connect(door, client)).listen(0, '127.0.0.1');
    const door: Door = { name, server, wires: new Set(), blackUntil: 0 };
    this.#doors.set(name, door);
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }

  async close(): Promise<void> {
    for (const { server, wires } of this.#doors.values()) {
      for (const wire of wires) wire.end();
      server.close();
      await once(server, 'close');
    }
  }

  /** What a request through this door is: the verb of a script of ours, or null. */
  verbOf(words: readonly string[]): Verb | null {
    if (words[0]?.toUpperCase() !== 'EVALSHA') return null;
    const verb = this.#verbs.get(words[1] ?? '');
    if (verb === undefined)
      throw new Error('an unknown script: is the daemon built from these sources? npm run build');
    return verb;
  }

  #connect(door: Door, client: Socket): void {
    const { redisPort, rules, record } = this.#options;
    const wire: Wire = new Wire({
      client,
      redis: createConnection(redisPort, '127.0.0.1'),
      isBlack: () => monotonicMs() < door.blackUntil,
      verbOf: (words) => this.verbOf(words),
      meet: (verb) => this.#meet(rules.meet(verb, door.name), door),
      record: (event, t) => record(event, t),
      door: door.name,
      turn: this.turn,
    });
    door.wires.add(wire);
    void wire.ended.then(() => door.wires.delete(wire));
  }

  /** Answers what the connection has to do itself. */
  #meet(rules: readonly Rule[], door: Door): WireAction | null {
    let own: WireAction | null = null;
    for (const rule of rules) {
      const { on: _on, nth: _nth, door: _door, ...action } = rule;
      this.#options.record({ kind: 'fault', rule, action, door: door.name });
      if (!isWire(action)) this.#options.act(action);
      else if (action.do === 'blackhole') this.#blacken(door, action);
      else own = action;
    }
    return own;
  }

  #blacken(door: Door, action: WireAction & { do: 'blackhole' }): void {
    door.blackUntil = monotonicMs() + action.ms;
    const before = [...door.wires];
    setTimeout(() => {
      // What was sent into the hole is lost: the connection cannot go on.
      for (const wire of before) wire.end();
      this.#options.record({ kind: 'fault_over', action, door: door.name });
    }, action.ms);
  }
}

/** Lets one script through at a time. */
export class Turn {
  #last: Promise<void> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.then(
      () => {},
      () => {},
    );
    return mine;
  }
}

interface WireOptions {
  readonly client: Socket;
  readonly redis: Socket;
  readonly isBlack: () => boolean;
  readonly verbOf: (words: readonly string[]) => Verb | null;
  readonly meet: (verb: Verb) => WireAction | null;
  readonly record: (event: Event, t?: number) => void;
  readonly door: string;
  readonly turn: Turn;
}

/** One connection of a client with its own to Redis. */
class Wire {
  readonly #options: WireOptions;
  readonly #requests = new Cutter();
  readonly #replies = new Cutter();
  /** Who waits for the next reply of Redis. */
  readonly #waiting: ((reply: Message | null) => void)[] = [];
  /** Requests are handled in their order. */
  #queue: Promise<void> = Promise.resolve();
  /** Nothing more is brought to Redis, or to the client. */
  #mute = false;
  #deaf = false;
  readonly ended: Promise<void>;
  #markEnded: () => void = () => {};

  constructor(options: WireOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
    const { client, redis } = options;
    for (const socket of [client, redis]) socket.setNoDelay(true).on('error', () => {});
    client.on('data', (piece: Buffer) => this.#hear(piece));
    redis.on('data', (piece: Buffer) => {
      for (const reply of this.#replies.push(piece)) this.#waiting.shift()?.(reply);
    });
    redis.on('close', () => this.#lose());
    // What the client had sent is still executed; then nobody needs the connection to Redis.
    client.on('close', () => void this.#queue.then(() => redis.destroy()));
  }

  /** Resets both ends. */
  end(): void {
    this.#mute = true;
    this.#options.client.resetAndDestroy();
    this.#options.redis.destroy();
  }

  #lose(): void {
    for (const answer of this.#waiting.splice(0)) answer(null);
    this.#options.client.destroy();
    this.#markEnded();
  }

  #hear(piece: Buffer): void {
    if (this.#options.isBlack()) {
      this.#mute = true;
      this.#deaf = true;
      return;
    }
    for (const request of this.#requests.push(piece)) {
      const words = request.value as readonly string[];
      const verb = this.#options.verbOf(words);
      this.#queue = this.#queue.then(() => this.#handle(request, words, verb));
    }
  }

  async #handle(request: Message, words: readonly string[], verb: Verb | null): Promise<void> {
    if (this.#mute) return;
    if (verb === null) {
      // Not waited for: a blocking read must not hold up what follows on its connection.
      void this.#ask(request.bytes).then((reply) => this.#answer(reply));
      return;
    }
    const action = this.#options.meet(verb);
    switch (action?.do) {
      case 'drop_request':
        this.#mute = true;
        return;
      case 'drop_reply':
        this.#deaf = true;
        break;
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, action.ms));
        break;
      case 'cut':
        this.#options.redis.write(request.bytes.subarray(0, Math.floor(request.bytes.length / 2)));
        return this.end();
      default:
    }
    const reply = await this.#run(request, words, verb);
    if (action?.do === 'rst') return this.end();
    if (action?.do === 'dup') this.#repeat(request, words, verb, action.ms);
    this.#answer(reply);
  }

  /** Has a script executed in its turn and writes down what was asked and answered. */
  #run(request: Message, words: readonly string[], verb: Verb): Promise<Message | null> {
    const { turn, record, door } = this.#options;
    return turn.take(async () => {
      const sent = monotonicMs();
      const reply = await this.#ask(request.bytes);
      record({
        kind: 'call',
        door,
        sent,
        call: callOf(verb, words, reply === null ? undefined : reply.value),
      });
      return reply;
    });
  }

  /** The second copy is part of this connection's order only if it comes at once, as a late one came another way. */
  #repeat(request: Message, words: readonly string[], verb: Verb, ms: number): void {
    const again = () => this.#run(request, words, verb);
    if (ms === 0) {
      this.#queue = this.#queue.then(async () => void (await again()));
      return;
    }
    setTimeout(() => void again(), ms);
  }

  #ask(bytes: Buffer): Promise<Message | null> {
    const { redis } = this.#options;
    if (redis.destroyed || !redis.writable) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      redis.write(bytes);
    });
  }

  #answer(reply: Message | null): void {
    if (reply !== null && !this.#deaf && !this.#options.isBlack() && !this.#options.client.destroyed)
      this.#options.client.write(reply.bytes);
  }
}

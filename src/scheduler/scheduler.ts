/**
 * Enqueues periodic jobs. Every daemon has a scheduler and all of them try: the broker lets each tick through once, so that
 * there is no leader to elect or to lose.
 */

import type { Broker } from '../broker/broker.ts';
import type { Watermark } from '../broker/messages/schedule.ts';
import type { Clock, EpochMs } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { NewId } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import type { Service } from '../lib/service.ts';
import { recordOf, type Schedule } from './schedule.ts';
import { Ticker } from './ticker.ts';
import { dueAt } from './ticks.ts';

export interface SchedulerOptions {
  /**
   * Called at the start, when the tasks are known: only then can a task's own queue be looked up.
   * @throws ForkloopError ERR_CONFIG_INVALID when a schedule names a task or a queue that is not there.
   */
  readonly schedules: () => readonly Schedule[];
  readonly broker: Pick<Broker, 'watermark' | 'fire' | 'enqueue'>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Logger;
}

export interface NextTick {
  readonly tick: EpochMs;
  /** With the jitter. */
  readonly dueAt: EpochMs;
}

export interface ScheduleState {
  readonly schedule: Schedule;
  /** As last told by the broker; null before it has answered. */
  readonly watermark: Watermark | null;
  readonly next: readonly NextTick[];
}

/** How far ahead a job that is enqueued by hand is stamped. */
const NOT_AFTER_MS = 35_000;

export class Scheduler implements Service {
  readonly #options: SchedulerOptions;
  #tickers: readonly Ticker[] = [];
  /** Of schedules that are no longer there: until their last call has ended. */
  readonly #ending = new Set<Promise<void>>();
  #state: 'new' | 'running' | 'quiet' = 'new';

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Does not wait for the broker. @throws ForkloopError ERR_CONFIG_INVALID */
  async start(): Promise<void> {
    if (this.#state !== 'new') return;
    this.#tickers = this.#options.schedules().map((schedule) => this.#tickerOf(schedule));
    this.#state = 'running';
    for (const ticker of this.#tickers) ticker.start();
  }

  /**
   * These schedules from now on. One that has not changed goes on undisturbed; a job that was enqueued stays. Does nothing
   * before the start and from quiet on.
   */
  replace(schedules: readonly Schedule[]): void {
    if (this.#state !== 'running') return;
    const before = new Map(this.#tickers.map((ticker) => [textOf(ticker.schedule), ticker]));
    this.#tickers = schedules.map((schedule) => before.get(textOf(schedule)) ?? this.#tickerOf(schedule));
    for (const ticker of before.values()) {
      if (this.#tickers.includes(ticker)) continue;
      const ending = ticker.stop().then(() => void this.#ending.delete(ending));
      this.#ending.add(ending);
    }
    for (const ticker of this.#tickers) ticker.start();
  }

  quiet(): void {
    this.#state = 'quiet';
    for (const ticker of this.#tickers) ticker.quiet();
  }

  /** A call to the broker that is under way is waited for: at most its own deadline. */
  async stop(): Promise<void> {
    this.quiet();
    await Promise.all([...this.#ending, ...this.#tickers.map((ticker) => ticker.stop())]);
  }

  /** Every schedule with its next `count` ticks. */
  list(count: number): readonly ScheduleState[] {
    return this.#tickers.map((ticker) => stateOf(ticker, count));
  }

  /** @throws ForkloopError ERR_SCHEDULE_UNKNOWN */
  show(name: string, count: number): ScheduleState {
    return stateOf(this.#ticker(name), count);
  }

  /**
   * Enqueues the schedule's job now, beside its ticks. With `overlap: skip` a job that still lives is answered instead.
   * @throws ForkloopError ERR_SCHEDULE_UNKNOWN; BrokerError
   */
  async run(
    name: string,
  ): Promise<{ readonly id: string; readonly existing: boolean; readonly queue: string }> {
    const { broker, newId } = this.#options;
    const ticker = this.#ticker(name);
    const { schedule } = ticker;
    const id = newId();
    const jobs = [{ record: recordOf(schedule, id), delayMs: 0 }];
    const send = (now: EpochMs) =>
      broker.enqueue(schedule.queue, { id, notAfterAt: now + NOT_AFTER_MS, jobs });
    const first = await send(ticker.brokerNow());
    const reply = first.status === 'late' ? await send(first.now) : first;
    const holder = reply.status === 'stored' ? reply.existing[0] : null;
    return { id: holder ?? id, existing: typeof holder === 'string', queue: schedule.queue };
  }

  #tickerOf(schedule: Schedule): Ticker {
    const { broker, clock, log } = this.#options;
    const { name, queue } = schedule;
    return new Ticker({ schedule, broker, clock, log: log.child({ schedule: name, queue }) });
  }

  #ticker(name: string): Ticker {
    const found = this.#tickers.find(({ schedule }) => schedule.name === name);
    if (found !== undefined) return found;
    const names = this.#tickers.map(({ schedule }) => schedule.name);
    const there = names.length === 0 ? 'the configuration has none' : `there are ${names.join(', ')}`;
    throw new ForkloopError('ERR_SCHEDULE_UNKNOWN', `no schedule is named ${JSON.stringify(name)}: ${there}`);
  }
}

/** The same for the same schedule: its ticks follow from what it says. */
const textOf = (schedule: Schedule): string => JSON.stringify(schedule);

function stateOf(ticker: Ticker, count: number): ScheduleState {
  const { schedule, watermark } = ticker;
  const now = ticker.brokerNow();
  const next: NextTick[] = [];
  // A tick whose time has come, but not yet its jitter, is still to be fired.
  let tick = schedule.ticks.next(Math.max(now - schedule.jitterMs, watermark?.tick ?? 0));
  while (tick !== null && next.length < count) {
    const due = dueAt(schedule, tick);
    if (due > now) next.push({ tick, dueAt: due });
    tick = schedule.ticks.next(tick);
  }
  return { schedule, watermark, next };
}

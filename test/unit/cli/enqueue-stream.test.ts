import assert from 'node:assert/strict';
import { BrokerError } from '../../../src/broker/broker-error.ts';
import type { Ending } from '../../../src/cli/ending.ts';
import type { InputLine } from '../../../src/cli/enqueue-source.ts';
import { EnqueueStream, OUTSTANDING_BYTES, OUTSTANDING_LINES } from '../../../src/cli/enqueue-stream.ts';
import type { JobHandle } from '../../../src/client/client.ts';
import { ForkloopError } from '../../../src/lib/errors.ts';

type Result = () => Promise<unknown>;

/** A client whose jobs end when and how the test says, and counts what is asked of it. */
class Scene {
  readonly enqueued: unknown[] = [];
  readonly printed: { id: string; ending: Ending | null }[] = [];
  asked = 0;
  mostAsked = 0;
  read = 0;
  enqueueOne: (input: unknown) => Promise<void> = async () => {};
  result: (input: unknown) => Promise<unknown> = async (input) => input;
  beforePrint: () => Promise<void> = async () => {};
  printedBytes = 10;

  stream(count: number, { wait = true, bytes = 100, bad = 0 } = {}): EnqueueStream {
    return new EnqueueStream({
      lines: this.#lines(count, bytes),
      check: async ({ number }) => {
        if (number === bad) throw new ForkloopError('ERR_INPUT_INVALID', 'bad line');
        return number;
      },
      enqueue: async (input) => {
        this.enqueued.push(input);
        await this.enqueueOne(input);
        return this.#handle(`job-${input}`, () => this.result(input));
      },
      wait,
      print: async ({ id }, ending) => {
        await this.beforePrint();
        this.asked--;
        this.printed.push({ id, ending });
        return this.printedBytes;
      },
      flush: async () => {},
      progress: () => {},
    });
  }

  async *#lines(count: number, bytes: number): AsyncGenerator<InputLine> {
    for (let number = 1; number <= count; number++) {
      this.read++;
      yield { number, text: String(number), bytes };
    }
  }

  #handle(id: string, result: Result): JobHandle {
    const ask = () => {
      this.asked++;
      this.mostAsked = Math.max(this.mostAsked, this.asked);
      return result();
    };
    return { id, queue: 'q', existing: false, result: ask, status: async () => 'ready' };
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

const dead = () => {
  const cause = { name: 'TypeError', message: 'no' };
  return Promise.reject(new ForkloopError('ERR_JOB_DEAD', 'job is dead', { cause }));
};

describe('enqueue --each', () => {
  it('prints one job per line, in the order of the input, however they end', async () => {
    const scene = new Scene();
    scene.result = async (input) => {
      for (let i = 0; i < (Number(input) * 7) % 11; i++) await turn();
      return Number(input) % 5 === 0 ? dead() : input;
    };
    const totals = await scene.stream(500).run();
    assert.deepEqual(
      scene.printed,
      Array.from({ length: 500 }, (_, at) => ({
        id: `job-${at + 1}`,
        ending:
          (at + 1) % 5 === 0
            ? { status: 'dead', error: { name: 'TypeError', message: 'no' } }
            : { status: 'completed', result: at + 1 },
      })),
    );
    assert.deepEqual(
      { ...totals },
      {
        enqueued: 500,
        printed: 500,
        printedBytes: 50_000,
        notCompleted: 100,
        pending: 0,
        unsure: 0,
        gaveUp: false,
        allRead: true,
        failure: null,
      },
    );
  });

  it('prints ids as soon as they are stored when nothing is waited for', async () => {
    const scene = new Scene();
    scene.result = () => assert.fail('nobody asks for results');
    const totals = await scene.stream(3, { wait: false }).run();
    assert.deepEqual(
      scene.printed,
      [1, 2, 3].map((n) => ({ id: `job-${n}`, ending: null })),
    );
    assert.equal(totals.printed, 3);
  });

  it('does nothing for no lines', async () => {
    const totals = await new Scene().stream(0).run();
    assert.deepEqual([totals.enqueued, totals.allRead, totals.failure], [0, true, null]);
  });

  it('names a result that is nothing as null', async () => {
    const scene = new Scene();
    scene.result = async () => undefined;
    await scene.stream(1).run();
    assert.deepEqual(scene.printed[0]?.ending, { status: 'completed', result: null });
  });

  it('reads only so many lines ahead of a job that does not end', async () => {
    const scene = new Scene();
    let finish = () => {};
    scene.result = (input) =>
      input === 1 ? new Promise((resolve) => (finish = () => resolve(1))) : Promise.resolve(input);
    const run = scene.stream(3 * OUTSTANDING_LINES).run();
    while (scene.enqueued.length < OUTSTANDING_LINES) await turn();
    await settle();
    assert.equal(scene.enqueued.length, OUTSTANDING_LINES);
    assert.ok(scene.read <= OUTSTANDING_LINES + 1);
    finish();
    assert.equal((await run).printed, 3 * OUTSTANDING_LINES);
  });

  it('reads only so many bytes ahead, but one line of any size', async () => {
    const scene = new Scene();
    const releases: (() => void)[] = [];
    scene.beforePrint = () => new Promise((resolve) => releases.push(resolve));
    const run = scene.stream(10, { bytes: OUTSTANDING_BYTES / 3 }).run();
    await settle();
    assert.ok(scene.enqueued.length <= 4, `${scene.enqueued.length} were read`);
    while (scene.printed.length < 10) {
      releases.shift()?.();
      await turn();
    }
    await run;
    const huge = await new Scene().stream(3, { bytes: 2 * OUTSTANDING_BYTES }).run();
    assert.equal(huge.printed, 3);
  });

  it('fetches fewer results ahead of their turn when they are large', async () => {
    const small = new Scene();
    await small.stream(2_000).run();
    assert.ok(small.mostAsked > 200, `${small.mostAsked} at once`);
    const large = new Scene();
    large.printedBytes = 4 * 1024 * 1024;
    await large.stream(2_000).run();
    assert.ok(large.mostAsked <= 17, `${large.mostAsked} at once`);
  });

  it('ends at a bad line: those before it are enqueued and printed, none after it is', async () => {
    const scene = new Scene();
    const totals = await scene.stream(10, { bad: 4 }).run();
    assert.deepEqual(scene.enqueued, [1, 2, 3]);
    assert.equal(scene.printed.length, 3);
    assert.deepEqual([totals.enqueued, totals.failure?.line, totals.allRead], [3, 4, false]);
  });

  it('ends when a job cannot be stored, and still prints those that were', async () => {
    const scene = new Scene();
    scene.enqueueOne = async (input) => {
      await turn();
      if (Number(input) >= 5) throw new BrokerError('refused', 'away');
    };
    const totals = await scene.stream(100_000).run();
    assert.deepEqual(
      scene.printed.map(({ id }) => id),
      ['job-1', 'job-2', 'job-3', 'job-4'],
    );
    assert.deepEqual([totals.enqueued, totals.failure?.line], [4, 5]);
    assert.ok(scene.enqueued.length < 100_000);
  });

  it('counts what was stored after a line that was not, in the order of the input', async () => {
    const scene = new Scene();
    scene.enqueueOne = async (input) => {
      // The later line fails first.
      for (let i = 0; i < (input === 3 ? 4 : 2); i++) await turn();
      if (input === 3) throw new BrokerError('unknown', 'no answer');
      if (input === 6) throw new BrokerError('refused', 'no room');
    };
    const totals = await scene.stream(8, { wait: false }).run();
    const { line, enqueuedBefore, enqueuedAfter } = totals.failure ?? {};
    assert.deepEqual([line, enqueuedBefore, enqueuedAfter], [3, 2, 4]);
    assert.deepEqual([totals.enqueued, totals.unsure, totals.printed], [6, 1, 6]);
  });

  it('does not count a job whose end cannot be told as one before itself', async () => {
    const scene = new Scene();
    scene.result = async (input) => (input === 2 ? Promise.reject(new Error('closed')) : input);
    const { failure } = await scene.stream(3).run();
    assert.deepEqual(
      [failure?.line, failure?.enqueued, failure?.enqueuedBefore, failure?.enqueuedAfter],
      [2, true, 1, 1],
    );
  });

  it('is unsure of what is under way when it gives up, and does not wait for it', async () => {
    const scene = new Scene();
    let answer = () => {};
    scene.enqueueOne = (input) =>
      input === 1 ? Promise.resolve() : new Promise((resolve) => (answer = resolve));
    const stream = scene.stream(2, { wait: false });
    const run = stream.run();
    await settle();
    stream.giveUp();
    const totals = await run;
    assert.deepEqual([totals.enqueued, totals.unsure, totals.printed], [1, 1, 1]);
    answer();
    await settle();
    assert.equal(stream.totals.enqueued, 1);
  });

  it('prints what has not ended as pending when it gives up', async () => {
    const scene = new Scene();
    scene.result = (input) => (input === 2 ? new Promise(() => {}) : Promise.resolve(input));
    const stream = scene.stream(4);
    const run = stream.run();
    await settle();
    stream.giveUp();
    const totals = await run;
    assert.deepEqual(
      scene.printed.map(({ ending }) => ending?.status),
      ['completed', 'pending', 'completed', 'completed'],
    );
    assert.deepEqual([totals.pending, totals.gaveUp, totals.failure], [1, true, null]);
  });

  it('gives up on a source that says nothing', async () => {
    const stream = new EnqueueStream({
      lines: (async function* () {
        await new Promise(() => {});
      })(),
      check: async () => null,
      enqueue: () => assert.fail('there is nothing'),
      wait: true,
      print: async () => 0,
      flush: async () => {},
      progress: () => {},
    });
    const run = stream.run();
    await settle();
    stream.giveUp();
    assert.equal((await run).gaveUp, true);
  });
});

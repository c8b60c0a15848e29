import assert from 'node:assert/strict';
import type { FromWorker } from '../../../src/pool/host/protocol.ts';
import { StartBoard, StartNotes } from '../../../src/pool/host/start-board.ts';
import type { Delivery } from '../../../src/pool/pool.ts';
import { defineTask, type TaskContext } from '../../../src/task/define.ts';
import { Runner } from '../../../src/worker/runner.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A runner of one task that ends when the test says so, or does what `run` does. */
function setUp(concurrency: number, run?: (token: string) => unknown, starts?: StartNotes) {
  const clock = new FakeClock();
  const posted: FromWorker[] = [];
  const end = new Map<string, () => void>();
  const handler = (token: string, { signal }: TaskContext) =>
    run?.(token) ??
    new Promise<void>((resolve, reject) => {
      end.set(token, resolve);
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  const task = defineTask('task', { run: handler });
  const tasks = new Map([['task', task]]);
  const runner = new Runner({ concurrency, tasks, clock, post: (message) => posted.push(message), starts });
  return { runner, clock, posted, end };
}

function deliveries(...tokens: string[]): Delivery[] {
  const limits = { timeoutMs: 0, killAfterMs: 0, maxResultBytes: 1_000 };
  const job = { id: 'job', task: 'task', queue: 'q', attempt: 1, fence: 1, headers: {} };
  return tokens.map((token) => ({ token, ...job, ...limits, input: JSON.stringify(token), alone: false }));
}

const completed = (token: string) => ({ token, outcome: { type: 'completed' } });
const handedBack = (token: string) => ({ token, outcome: { type: 'interrupted', reason: 'handed_back' } });

describe('Runner', () => {
  it('runs one at a time where it may, and tells each end with the next start in one message', async () => {
    const { runner, posted, end } = setUp(1);
    runner.run(deliveries('a', 'b'));
    await turn();
    assert.deepEqual(posted, [{ type: 'started', tokens: ['a'] }]);
    end.get('a')?.();
    await turn();
    assert.deepEqual(posted.slice(1), [{ type: 'ended', ended: [completed('a')], started: ['b'] }]);
    end.get('b')?.();
    await turn();
    assert.deepEqual(posted.slice(2), [{ type: 'ended', ended: [completed('b')] }]);
  });

  it('runs many at once, and tells what ends in one turn in one message', async () => {
    const { runner, posted, end } = setUp(10);
    runner.run(deliveries('a', 'b', 'c'));
    await turn();
    for (const token of ['c', 'a', 'b']) end.get(token)?.();
    await turn();
    await turn();
    assert.deepEqual(posted.at(-1), {
      type: 'ended',
      ended: [completed('c'), completed('a'), completed('b')],
    });
    assert.equal(posted.filter(({ type }) => type === 'ended').length, 1);
  });

  it('notes on its board what begins, before the call, and posts nothing of it', async () => {
    const board = new StartBoard(10, new FakeClock(), () => 0);
    const places: number[] = [];
    const begun: (number | null)[][] = [];
    const look = () => void begun.push(places.map((place) => board.startedAt(place)));
    const { runner, posted, end } = setUp(2, look, new StartNotes(board.memory, new FakeClock(), () => 0));
    const given = deliveries('a', 'b', 'c', 'd');
    for (const { token } of given)
      places.push(board.place({ startedAt: null, token } as { startedAt: null }));
    runner.run(given);
    assert.deepEqual(begun, [
      [0, null, null, null],
      [0, 0, null, null],
    ]);
    runner.abort(['c'], 'cancel');
    end.get('a')?.();
    await turn();
    await turn();
    assert.deepEqual(begun.at(-1), [0, 0, null, 0], 'what was handed back has kept its number');
    assert(!JSON.stringify(posted).includes('started'));
  });

  it('gives the event loop a turn after each handler that works hard before it waits', async () => {
    const order: string[] = [];
    let worked = 0;
    const { runner, clock } = setUp(10, (token) => {
      order.push(token);
      worked += 50;
    });
    clock.monotonic = () => worked;
    runner.run(deliveries('a', 'b', 'c'));
    assert.deepEqual(order, ['a']);
    await turn();
    await turn();
    await turn();
    assert.deepEqual(order, ['a', 'b', 'c']);
  });

  it('hands back the buffer and leaves what runs', async () => {
    const { runner, posted, end } = setUp(1);
    runner.run(deliveries('a', 'b', 'c'));
    runner.handBack();
    assert.deepEqual(posted.at(-1), { type: 'ended', ended: [handedBack('b'), handedBack('c')] });
    await turn();
    end.get('a')?.();
    await turn();
    assert.deepEqual(posted.at(-1), { type: 'ended', ended: [completed('a')] });
  });

  it('aborts what runs and hands back what waits', async () => {
    const { runner, posted } = setUp(1);
    runner.run(deliveries('a', 'b', 'c'));
    await turn();
    runner.abort(['a', 'c', 'unknown'], 'cancel');
    await turn();
    const ended = posted.flatMap((message) => (message.type === 'ended' ? message.ended : []));
    assert.deepEqual(ended, [
      handedBack('c'),
      { token: 'a', outcome: { type: 'interrupted', reason: 'cancel' } },
    ]);
    assert.deepEqual(posted.at(-1)?.type === 'ended' && posted.at(-1), {
      type: 'ended',
      ended: [ended[1]],
      started: ['b'],
    });
  });

  it('says bye when a drain has let the last one end, and hands back what still comes', async () => {
    const { runner, posted, end } = setUp(1);
    runner.run(deliveries('a', 'b'));
    runner.drain();
    runner.drain();
    runner.run(deliveries('c'));
    await turn();
    assert(!posted.some(({ type }) => type === 'bye'));
    end.get('a')?.();
    await turn();
    assert.deepEqual(posted.at(-1), { type: 'bye' });
    assert.equal(posted.filter(({ type }) => type === 'bye').length, 1);
    const ended = posted.flatMap((message) => (message.type === 'ended' ? message.ended : []));
    assert.deepEqual(ended, [handedBack('b'), handedBack('c'), completed('a')]);
  });

  it('goes on behind a task that it does not have', async () => {
    const { runner, posted } = setUp(1, () => 'done');
    const [unknown, known] = deliveries('a', 'b');
    if (unknown === undefined || known === undefined) throw new Error('two are needed');
    runner.run([{ ...unknown, task: 'nobody' }, known]);
    await turn();
    const ended = posted.flatMap((message) => (message.type === 'ended' ? message.ended : []));
    assert.deepEqual(ended.map(({ token, outcome }) => [token, outcome.type]).sort(), [
      ['a', 'failed'],
      ['b', 'completed'],
    ]);
  });
});

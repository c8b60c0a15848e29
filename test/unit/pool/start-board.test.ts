import assert from 'node:assert/strict';
import { StartBoard, StartNotes } from '../../../src/pool/host/start-board.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const CONCURRENCY = 3;

/** Both sides, each with a clock of its own: the worker's is 1,000 ms behind. */
function setUp() {
  const [ours, theirs] = [new FakeClock(), new FakeClock()];
  let common = 7_000;
  const board = new StartBoard(CONCURRENCY, ours, () => common);
  common += 1_000;
  const notes = new StartNotes(board.memory, theirs, () => common);
  const give = () => {
    const one = { startedAt: null as number | null };
    return { one, place: board.place(one), theirPlace: notes.next() };
  };
  return { board, notes, give };
}

describe('the board of starts', () => {
  it('tells when a delivery began, by the master’s clock', () => {
    const { board, notes, give } = setUp();
    const [first, second] = [give(), give()];
    notes.note(second.theirPlace, 25);
    assert.equal(board.startedAt(first.place), null);
    assert.equal(board.startedAt(second.place), 1_025);
  });

  for (const slow of ['own', 'common']) {
    it(`is not led astray by a first look at the ${slow} clock that takes long`, () => {
      let now = 7_000;
      const board = new StartBoard(CONCURRENCY, new FakeClock(), () => now);
      const looks = new Set<string>();
      const look = (clock: string) => {
        if (clock === slow && !looks.has(clock)) now += 5;
        looks.add(clock);
        return now;
      };
      const own = new (class extends FakeClock {
        override monotonic = () => look('own') - 7_100;
      })();
      const notes = new StartNotes(board.memory, own, () => look('common'));
      const place = board.place({ startedAt: null });
      notes.note(notes.next(), own.monotonic());
      assert.equal(board.startedAt(place), 5);
    });
  }

  it('asks whoever stood at a place before another gets it, and nobody who has left', () => {
    const { board, give } = setUp();
    let asked = 0;
    const counting = {
      get startedAt() {
        asked += 1;
        return null;
      },
    };
    const places = board.memory.begun.length;
    board.place(counting);
    const left = board.place(counting);
    board.leave(left, counting);
    for (let i = 0; i < places; i++) give();
    assert.equal(asked, 1);
  });

  it('leaves alone who stands where one that leaves late stood before', () => {
    const { board, give } = setUp();
    const old = give();
    for (let i = 1; i < board.memory.begun.length; i++) give();
    let asked = 0;
    board.place({
      get startedAt() {
        asked += 1;
        return null;
      },
    });
    board.leave(old.place, old.one);
    for (let i = 0; i < board.memory.begun.length; i++) give();
    assert.equal(asked, 1);
  });

  it('does not take the start of one for that of another at the same place', () => {
    const { board, notes, give } = setUp();
    const old = give();
    notes.note(old.theirPlace, 1);
    let last = old;
    for (let i = 0; i < board.memory.begun.length; i++) last = give();
    assert.equal(board.startedAt(last.place), null);
    notes.note(last.theirPlace, 2);
    assert.equal(board.startedAt(last.place), 1_002);
    assert.equal(board.startedAt(old.place), null, 'it was asked before');
  });
});

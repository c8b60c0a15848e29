/** The checker of embedded stores must accept good histories and refuse each of these bad ones, for the right reason. */

import assert from 'node:assert/strict';
import { JOB, OTHER, recordOf, StoreStory, WORKER } from './store-story.ts';
import { INVARIANTS, type Invariant } from './violations.ts';

const story = () => new StoreStory();
const asked = (id = JOB) => story().ask(id).told('stored', id);
const NOTHING = { counters: {} };
const ONE_LEFT = { counters: { enqueued: 1 } };
const STOP = { do: 'stop_daemon', daemon: 0, ms: 8_000 } as const;
/** An id of the time at which a tick is fired. */
const tickId = (at: number) => {
  const hex = at.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000001`;
};
const ticking = (ticks: number, fired: number) => {
  const told = story().add({ kind: 'ticks', name: 'daemon0', at: 1_000_000, reached: { each: 1_000_000 } });
  for (let i = 1; i <= fired; i++) {
    const id = tickId(1_000_000 + i * 1_000);
    told.start(1, id, { tag: null }).end(1, id);
  }
  return told
    .file({ ticks: { each: 1_000_000 + ticks * 1_000 } })
    .dump({ counters: { enqueued: fired, completed: fired } });
};

const GOOD: Readonly<Record<string, StoreStory>> = {
  'a job that runs once': asked().start().end().file().dump(),
  'a job that fails and runs again': asked().start().fail().start(2).end(2).dump(),
  'a job whose worker is killed': asked().start().died().start(2, JOB, { pid: 502 }).end(2, JOB, 502).dump(),
  'a job whose end was not stored when its daemon was killed': asked()
    .start()
    .end()
    .daemon('gone')
    .start(2, JOB, { pid: 502 })
    .end(2, JOB, 502)
    .dump(),
  'the same after the daemon stood still': asked()
    .start()
    .fault(STOP)
    .end()
    .later(8_000)
    .over(STOP)
    .daemon('gone')
    .start(2, JOB, { pid: 502 })
    .end(2, JOB, 502)
    .dump(),
  'an unknown enqueue that was stored': story().ask().fault(STOP).told('unknown').start().end().dump(),
  'an unknown enqueue that was not': story().ask().fault(STOP).told('unknown').dump(NOTHING),
  'a refusal while a fault lasts': story().ask().fault(STOP).told('refused').over(STOP).dump(NOTHING),
  'a job that is told its key is held': story()
    .ask(JOB, { unique: 'k' })
    .told('stored')
    .ask(OTHER, { unique: 'k' })
    .told('existing', JOB, OTHER)
    .start()
    .end()
    .dump(),
  'a dead job that may die': asked()
    .start()
    .died()
    .dump({ dead: [recordOf(JOB, { task: 'poison', crashes: 1 })], counters: { enqueued: 1, dead: 1 } }),
  'ticks of each second': ticking(5, 5),
  'one that was just being fired': ticking(5, 6),
};

const BAD: readonly (readonly [Invariant, string, StoreStory])[] = [
  ['I1', 'an acknowledged job is lost', asked().dump(ONE_LEFT)],
  ['I1', 'an acknowledged job is lost in its run', asked().start().died().dump(ONE_LEFT)],
  ['I1', 'a job that failed does not run again', asked().start().fail().dump(ONE_LEFT)],
  ['I1', 'an acknowledged job still waits', asked().dump({ waiting: [recordOf(JOB)], ...ONE_LEFT })],
  [
    'I11',
    'a job is left in flight',
    asked()
      .start()
      .dump({ inFlight: [{ daemon: 'daemon0', token: '', record: recordOf(JOB) }], ...ONE_LEFT }),
  ],
  ['I1', 'a refused job runs', story().ask().fault(STOP).told('refused').start().end().dump()],
  [
    'I1',
    'a job runs that was told that its key is held',
    story().ask(JOB, { unique: 'k' }).told('existing', OTHER, JOB).start().end().dump(),
  ],
  [
    'I1',
    'a job runs under another id',
    asked()
      .start(1, OTHER, { tag: `tag-${JOB}` })
      .end(1, OTHER)
      .dump(),
  ],
  [
    'I1',
    'a kept result is missing',
    story().ask(JOB, { keepResult: true }).told('stored').start().end().dump(),
  ],
  ['I2', 'a job ends twice', asked().start().end().start(2).end(2).dump()],
  [
    'I2',
    'a job runs again although its end had long been stored',
    asked().start().end().later(20_000).daemon('gone').start(2, JOB, { pid: 502 }).end(2, JOB, 502).dump(),
  ],
  [
    'I2',
    'a job runs again because another worker died',
    asked().start().end().died(777).start(2).end(2).dump(),
  ],
  [
    'I2',
    'an end is counted twice',
    asked()
      .start()
      .end()
      .dump({ counters: { enqueued: 1, completed: 2 } }),
  ],
  [
    'I2',
    'a dead job is counted that is not there',
    asked()
      .start()
      .end()
      .dump({ counters: { enqueued: 1, completed: 1, dead: 1 } }),
  ],
  [
    'I3',
    'a job runs beside itself',
    asked().start().start(2, JOB, { pid: 502 }).end().end(2, JOB, 502).dump(),
  ],
  [
    'I3',
    'a job runs while its worker still lives after the death of the daemon',
    asked().start().daemon('gone').start(2, JOB, { pid: 502 }).end(2, JOB, 502).died(WORKER).dump(),
  ],
  [
    'I4',
    'a delivery starts twice',
    asked().start().died().start(1, JOB, { pid: 502 }).end(1, JOB, 502).dump(),
  ],
  [
    'I4',
    'one enqueue is stored as two jobs',
    asked()
      .start()
      .end()
      .start(1, OTHER, { tag: `tag-${JOB}` })
      .end(1, OTHER)
      .dump({ counters: { enqueued: 2, completed: 2 } }),
  ],
  [
    'I4',
    'more is counted than was stored',
    asked()
      .start()
      .end()
      .dump({ counters: { enqueued: 2, completed: 1 } }),
  ],
  ['I5', 'an older delivery follows', asked().start(2).fail(2).start(1).end(1).dump()],
  ['I6', 'ticks are left out', ticking(9, 4)],
  ['I6', 'ticks are fired twice', ticking(4, 9)],
  [
    'I7',
    'a job is dead that may not die',
    asked()
      .start()
      .fail()
      .dump({ dead: [recordOf(JOB)], counters: { enqueued: 1, dead: 1 } }),
  ],
  [
    'I7',
    'a crash is counted that did not happen',
    asked()
      .start()
      .fail()
      .dump({ dead: [recordOf(JOB, { task: 'poison', crashes: 1 })], counters: { enqueued: 1, dead: 1 } }),
  ],
  ['I8', 'processes live on', story().add({ kind: 'orphans', name: 'daemon0', count: 1 })],
  ['I9', 'jobs are left', story().add({ kind: 'quiet', left: 2, ms: 9_000, withinMs: 9_000 })],
  ['I9', 'a job is refused though nothing is wrong', story().ask().told('refused').dump(NOTHING)],
  [
    'I9',
    'a job is refused long after the fault',
    story().fault(STOP).over(STOP).later(9_000).ask().told('refused').dump(NOTHING),
  ],
  ['I10', 'a job gets another input', asked().start(1, JOB, { sum: 'other' }).end().dump()],
  ['I10', 'a job runs for which nobody asked', story().start().end().dump()],
  [
    'I11',
    'a stop ends with an error',
    story().add({ kind: 'stopped', name: 'daemon0', code: 1, ms: 5, withinMs: 9 }),
  ],
  ['I12', 'the file is damaged', asked().start().end().file({ damage: 'row 3 missing' }).dump()],
  [
    'I12',
    'a job is in two places',
    asked()
      .start()
      .died()
      .dump({ waiting: [recordOf(JOB)], dead: [recordOf(JOB)], counters: { enqueued: 1, dead: 1 } }),
  ],
  [
    'I12',
    'a unique key has no holder',
    asked()
      .start()
      .end()
      .dump({ unique: { k: JOB } }),
  ],
  [
    'I12',
    'a unique key is held long after its job has ended',
    story()
      .ask(JOB, { unique: 'k' })
      .told('stored')
      .start()
      .end()
      .later(9_000)
      .ask(OTHER, { unique: 'k' })
      .told('existing', JOB, OTHER)
      .dump(),
  ],
  [
    'I13',
    'two jobs live under one key',
    story()
      .ask(JOB, { unique: 'k' })
      .told('stored')
      .ask(OTHER, { unique: 'k' })
      .told('stored', OTHER)
      .start()
      .end()
      .start(1, OTHER)
      .end(1, OTHER)
      .dump({ counters: { enqueued: 2, completed: 2 } }),
  ],
  [
    'I14',
    'descriptors are left',
    story()
      .add({ kind: 'idle', name: 'daemon0', when: 'before', fds: 30, processes: 2 })
      .add({ kind: 'idle', name: 'daemon0', when: 'after', fds: 60, processes: 2 }),
  ],
  [
    'I14',
    'processes are left',
    story()
      .add({ kind: 'idle', name: 'daemon0', when: 'before', fds: 30, processes: 2 })
      .add({ kind: 'idle', name: 'daemon0', when: 'after', fds: 30, processes: 3 }),
  ],
  ['I14', 'rows are left', asked().start().end().file({ strays: 1 }).dump()],
];

describe('the checker of embedded stores', () => {
  for (const [name, told] of Object.entries(GOOD)) {
    it(`accepts ${name}`, () => {
      assert.deepEqual([...told.broken({ poison: 1 })], []);
    });
  }

  for (const [invariant, name, told] of BAD) {
    it(`refuses: ${name}`, () => {
      const broken = told.broken({ poison: 1 });
      assert.ok(broken.has(invariant), `${invariant} is not among ${[...broken].join(' ') || 'none'}`);
    });
  }

  it('has a bad history for every invariant', () => {
    assert.deepEqual(new Set(BAD.map(([invariant]) => invariant)), new Set(Object.keys(INVARIANTS)));
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  advance,
  BORN,
  type Ending,
  type WorkerAction,
  type WorkerEvent,
  type WorkerLife,
} from '../../../src/pool/lifecycle.ts';
import type { WorkerState } from '../../../src/pool/pool.ts';

const life = (state: WorkerState, ending: Ending | null = null): WorkerLife => ({ state, ending });
const kill = (why: Ending): WorkerEvent => ({ type: 'kill', why });
const load = (inside: number): WorkerEvent => ({ type: 'load', inside });

const TABLE: readonly [WorkerLife, WorkerEvent, WorkerLife, WorkerAction | null][] = [
  [BORN, { type: 'ready' }, life('ready'), 'announce'],
  [BORN, load(1), BORN, null],
  [BORN, { type: 'boot_failed' }, life('starting', 'boot_failed'), null],
  [BORN, { type: 'drain' }, life('draining', 'drain'), 'kill'],
  [BORN, { type: 'leaving' }, life('draining', 'drain'), 'kill'],
  [BORN, kill('ready_timeout'), life('draining', 'ready_timeout'), 'kill'],
  [BORN, { type: 'exit' }, life('exited'), null],
  [life('ready'), load(2), life('busy'), null],
  [life('busy'), load(0), life('ready'), null],
  [life('busy'), { type: 'drain' }, life('draining', 'drain'), 'send_drain'],
  [life('busy'), { type: 'leaving' }, life('draining', 'drain'), null],
  [life('busy'), { type: 'bye' }, life('draining', 'drain'), 'send_exit'],
  [life('busy'), kill('hard_timeout'), life('draining', 'hard_timeout'), 'kill'],
  [life('draining', 'drain'), load(0), life('draining', 'drain'), null],
  [life('draining', 'drain'), { type: 'drain' }, life('draining', 'drain'), null],
  [life('draining', 'drain'), { type: 'ready' }, life('draining', 'drain'), null],
  [life('draining', 'drain'), { type: 'bye' }, life('draining', 'drain'), 'send_exit'],
  [life('draining', 'drain'), kill('memory'), life('draining', 'memory'), 'kill'],
  [life('draining', 'memory'), kill('cold_stop'), life('draining', 'memory'), 'kill'],
  [life('draining', 'drain'), { type: 'exit' }, life('exited', 'drain'), null],
  [life('exited', 'drain'), kill('cold_stop'), life('exited', 'drain'), null],
];

describe('worker lifecycle', () => {
  for (const [from, event, to, action] of TABLE) {
    it(`${from.state}${from.ending ? ` (${from.ending})` : ''} on ${JSON.stringify(event)} becomes ${to.state}`, () => {
      assert.deepEqual(advance(from, event), { life: to, action });
    });
  }

  it('keeps the first reason, unless that was a drain, and never comes back from its exit, whatever happens', () => {
    const event = fc.constantFrom<WorkerEvent>(
      { type: 'ready' },
      { type: 'boot_failed' },
      load(0),
      load(1),
      { type: 'drain' },
      { type: 'leaving' },
      { type: 'bye' },
      kill('hard_timeout'),
      kill('cold_stop'),
      { type: 'exit' },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        let now = BORN;
        for (const one of events) {
          const { life: next } = advance(now, one);
          if (now.state === 'exited') assert.deepEqual(next, now);
          if (now.ending !== null && now.ending !== 'drain' && one.type !== 'drain')
            assert.equal(next.ending, now.ending);
          now = next;
        }
      }),
    );
  });
});

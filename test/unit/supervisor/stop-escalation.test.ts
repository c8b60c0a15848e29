import assert from 'node:assert/strict';
import { escalate, type StopMode, type StopSignal } from '../../../src/supervisor/stop-escalation.ts';

const TABLE: readonly [StopMode, StopSignal, number, StopMode][] = [
  ['running', 'SIGTERM', 0, 'warm'],
  ['running', 'SIGINT', 0, 'warm'],
  ['running', 'SIGQUIT', 0, 'cold'],
  ['warm', 'SIGTERM', 1_999, 'warm'],
  ['warm', 'SIGTERM', 2_000, 'cold'],
  ['warm', 'SIGINT', 999, 'warm'],
  ['warm', 'SIGINT', 1_000, 'cold'],
  ['warm', 'SIGQUIT', 0, 'cold'],
  ['cold', 'SIGTERM', 60_000, 'cold'],
  ['cold', 'SIGQUIT', 60_000, 'cold'],
  ['cold', 'SIGINT', 999, 'cold'],
  ['cold', 'SIGINT', 1_000, 'kill'],
  ['kill', 'SIGINT', 5_000, 'kill'],
];

describe('stop escalation', () => {
  for (const [mode, signal, since, after] of TABLE) {
    it(`${signal} ${since} ms after ${mode} leads to ${after}`, () => {
      assert.equal(escalate(mode, signal, since), after);
    });
  }
});

import assert from 'node:assert/strict';
import { blame, type Death, type Inside } from '../../../src/pool/blame.ts';

const error = { name: 'ForkloopError', message: 'gone' };
const inside = (token: string, more: Partial<Inside> = {}): Inside => ({
  token,
  started: true,
  verdict: null,
  aborted: null,
  ...more,
});

function outcomes(death: Partial<Death>): Record<string, string> {
  const all = blame({ inside: [], zombies: 0, planned: false, culprit: null, error, ...death });
  const text = [...all].map(([token, outcome]) => [
    token,
    outcome.type === 'interrupted' ? outcome.reason : outcome.type,
  ]);
  return Object.fromEntries(text);
}

describe('blame', () => {
  const waiting = inside('waiting', { started: false });

  it('falls on the one that ran alone; what waited behind it is given back', () => {
    assert.deepEqual(outcomes({ inside: [inside('a'), waiting] }), { a: 'crashed', waiting: 'handed_back' });
  });

  it('falls on nobody for sure among several', () => {
    assert.deepEqual(outcomes({ inside: [inside('a'), inside('b')] }), { a: 'lost', b: 'lost' });
  });

  it('falls on the one that the worker named; the others are innocent', () => {
    const death = { inside: [inside('a'), inside('b'), waiting], culprit: { token: 'b', error } };
    assert.deepEqual(outcomes(death), { a: 'handed_back', b: 'crashed', waiting: 'handed_back' });
  });

  it('spares the one that runs when the named job has ended before', () => {
    assert.deepEqual(outcomes({ inside: [inside('a')], culprit: { token: 'gone', error } }), {
      a: 'handed_back',
    });
  });

  it('falls on the one that ran alone when the worker could name nobody', () => {
    assert.deepEqual(outcomes({ inside: [inside('a')], culprit: { token: null, error } }), { a: 'crashed' });
  });

  it('is uncertain where code of a job that was ended still ran', () => {
    assert.deepEqual(outcomes({ inside: [inside('a')], zombies: 1 }), { a: 'lost' });
  });

  it('does not change what was decided before the kill, nor what was told to end', () => {
    const verdict = { type: 'timed_out', limit: 'hard', error } as const;
    const death = { inside: [inside('a', { verdict }), inside('b', { aborted: 'cancel' })] };
    assert.deepEqual(outcomes(death), { a: 'timed_out', b: 'cancel' });
  });

  it('gives all back at a planned end', () => {
    assert.deepEqual(outcomes({ inside: [inside('a'), waiting], planned: true }), {
      a: 'handed_back',
      waiting: 'handed_back',
    });
  });
});

import assert from 'node:assert/strict';
import { workerEnv } from '../../../src/pool/host/env.ts';

describe('environment of a worker', () => {
  it('holds what programs need anywhere and what the pool says, and nothing else', () => {
    const master = {
      PATH: '/bin',
      LC_ALL: 'C',
      TZ: 'UTC',
      REDIS_URL: 'redis://:secret@db',
      NODE_OPTIONS: '--inspect',
      NOTIFY_SOCKET: '/run/x',
      PATHOLOGICAL: '1',
      HOME: undefined,
    };
    const expected = { PATH: '/bin', LC_ALL: 'C', TZ: 'Europe/Paris', API: 'x' };
    assert.deepEqual(workerEnv(master, { TZ: 'Europe/Paris', API: 'x' }), expected);
  });
});

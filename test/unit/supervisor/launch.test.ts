import assert from 'node:assert/strict';
import { type LaunchFacts, launchOf } from '../../../src/supervisor/launch.ts';

const base: LaunchFacts = { env: {}, pid: 7, cwd: '/srv', terminal: false, detached: null };

describe('who started a daemon', () => {
  const table: [string, Partial<LaunchFacts>, string][] = [
    ['start --detach', { detached: ['start'] }, 'detach'],
    [
      'start --detach, by somebody whom systemd started',
      { detached: [], env: { SYSTEMD_EXEC_PID: '7' } },
      'detach',
    ],
    ['systemd, which is to be notified', { env: { NOTIFY_SOCKET: '/run/systemd/notify' } }, 'systemd'],
    ['systemd, of this very process', { env: { SYSTEMD_EXEC_PID: '7' } }, 'systemd'],
    ['a terminal that systemd started', { terminal: true, env: { SYSTEMD_EXEC_PID: '6' } }, 'terminal'],
    ['another program', {}, 'other'],
  ];
  for (const [what, facts, by] of table)
    it(`is told of ${what}`, () => assert.equal(launchOf({ ...base, ...facts }).by, by));

  it('comes with what starts it again, where that is ours to do', () => {
    const words = ['start', '--config', '/srv/s.yaml'];
    assert.deepEqual(launchOf({ ...base, detached: words }), { by: 'detach', words, cwd: '/srv' });
    assert.deepEqual(launchOf(base).words, []);
  });
});

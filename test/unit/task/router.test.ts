import assert from 'node:assert/strict';
import { createRouter, queueFor } from '../../../src/task/router.ts';

describe('the router', () => {
  const router = createRouter([
    { task: 'maintenance.rebuild', queue: 'heavy' },
    { task: 'maintenance.*', queue: 'upkeep' },
    { task: '*.now', queue: 'urgent' },
  ]);

  it('takes the first route that matches, whole names only', () => {
    assert.equal(router('maintenance.rebuild'), 'heavy');
    assert.equal(router('maintenance.rebuild.all'), 'upkeep');
    assert.equal(router('eta.now'), 'urgent');
    assert.equal(router('eta.nowhere'), null);
    assert.equal(router('xmaintenance.purge'), null);
  });

  it('takes characters that mean something to regular expressions as they are', () => {
    const dotted = createRouter([{ task: 'a.b', queue: 'q' }]);
    assert.equal(dotted('a.b'), 'q');
    assert.equal(dotted('aXb'), null);
  });

  it('prefers the call, then a route, then the task, then the default queue', () => {
    const task = { name: 'maintenance.purge', queue: 'own' };
    assert.equal(queueFor(router, task, 'wish'), 'wish');
    assert.equal(queueFor(router, task, undefined), 'upkeep');
    assert.equal(queueFor(router, { name: 'other', queue: 'own' }, undefined), 'own');
    assert.equal(queueFor(router, { name: 'other' }, undefined), 'default');
  });
});

import assert from 'node:assert/strict';
import { formatPath } from '../../../src/config/problem.ts';
import { routeFindings } from '../../../src/supervisor/route-findings.ts';
import { LEAST, TemporaryFolder } from '../config/temporary-config.ts';

describe('what routes make of the tasks that are there', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = new TemporaryFolder();
  });
  afterEach(() => folder.remove());

  /** LEAST has one pool, which serves the queue `eta`. */
  const found = (routes: object[], tasks: { name: string; queue?: string }[]): string[] => {
    const { config } = folder.load(`${LEAST}routes: ${JSON.stringify(routes)}\n`);
    const manifests = tasks.map((task) => ({ validated: false, ...task }));
    return routeFindings(config, manifests).map(({ path, message }) => `${formatPath(path)}: ${message}`);
  };

  it('is nothing where each task has a pool and each route a task', () => {
    assert.deepEqual(
      found([{ task: 'eta.*', queue: 'eta' }], [{ name: 'eta.predict' }, { name: 'x', queue: 'eta' }]),
      [],
    );
    assert.deepEqual(found([], []), []);
  });

  it('names the tasks of which no job can be enqueued', () => {
    assert.deepEqual(
      found([{ task: 'eta.*', queue: 'eta' }], [{ name: 'eta.a' }, { name: 'b' }, { name: 'c' }]),
      ['pools: b, c: no pool serves the queue "default": add it to a pool, or a route for the task'],
    );
  });

  it('names routes that match nothing, with what was meant, and those behind others that take all', () => {
    const tasks = [{ name: 'eta.predict', queue: 'eta' }];
    assert.deepEqual(found([{ task: 'eta.pedict', queue: 'eta' }], tasks), [
      'routes[0].task: no task matches "eta.pedict", did you mean "eta.predict"?',
    ]);
    assert.deepEqual(
      found(
        [
          { task: 'eta.*', queue: 'eta' },
          { task: 'eta.predict', queue: 'eta' },
        ],
        tasks,
      ),
      ['routes[1].task: is never taken: routes before it take all that it matches'],
    );
  });
});

import assert from 'node:assert/strict';
import type { BrokerClient } from '../../../src/broker/broker.ts';
import type { EnqueueBatch } from '../../../src/broker/messages/enqueue.ts';
import { BrokeredClient } from '../../../src/client/brokered-client.ts';
import { createClient } from '../../../src/client/client.ts';
import type { EnqueueOptions } from '../../../src/client/enqueue-options.ts';
import { plainSettings } from '../../../src/client/settings.ts';
import { type AnyTask, defineTask } from '../../../src/task/define.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const task = defineTask('a.b', { run: (input: unknown) => input });

/** A client whose broker stores everything and counts it. */
function setUp() {
  const clock = new FakeClock();
  const stored: string[] = [];
  const broker = {
    enqueue: async (_queue: string, { jobs }: EnqueueBatch) => {
      stored.push(...jobs.map(({ record }) => record));
      return { status: 'stored', existing: jobs.map(() => null), now: clock.now() };
    },
    close: async () => {},
  } as unknown as BrokerClient;
  const client = new BrokeredClient(broker, plainSettings, { timeoutMs: 2_000 }, clock);
  const enqueue = (options: unknown) => client.enqueue(task, 1, options as EnqueueOptions);
  return { client, stored, enqueue };
}

const invalid = (message: string | RegExp) => ({
  name: 'ForkloopError',
  code: 'ERR_OPTION_INVALID',
  message,
});

describe('the options of createClient', () => {
  const create = createClient as (options: unknown) => unknown;

  it('are refused where there is no such one', () => {
    assert.throws(
      () => create({ confg: 'x' }),
      invalid('no option of createClient is named "confg", did you mean "config"?'),
    );
    assert.throws(
      () => create({ url: 'x' }),
      invalid(
        'no option of createClient is named "url"; there are: config, broker, namespace, enqueueTimeout',
      ),
    );
  });

  it('are an object: of a text it is told where it belongs', () => {
    assert.throws(
      () => create('config/b.yaml'),
      invalid("createClient takes an object, not a string: write { config: 'config/b.yaml' }"),
    );
    assert.throws(
      () => create('redis://h:1/0'),
      invalid("createClient takes an object, not a string: write { broker: 'redis://h:1/0' }"),
    );
    assert.throws(() => create(null), invalid(/^the options of createClient are an object, not null/));
  });
});

describe('the options of enqueue', () => {
  it('are refused where there is no such one, and nothing is stored', async () => {
    const { client, enqueue, stored } = setUp();
    const names = 'queue, delay, at, expires, priority, unique, timeout, retry, result, headers';
    for (const [options, message] of [
      [{ attempts: 1 }, 'no option of enqueue is named "attempts", did you mean retry: { attempts }?'],
      [{ expire: '1s' }, 'no option of enqueue is named "expire", did you mean "expires"?'],
      [{ queue: 'q', tenant: 7 }, `no option of enqueue is named "tenant"; there are: ${names}`],
      [{ retry: { attemps: 1 } }, 'no option of retry is named "attemps", did you mean "attempts"?'],
      ['1s', `the options of enqueue are an object, not a string; there are: ${names}`],
      [null, `the options of enqueue are an object, not null; there are: ${names}`],
    ] as const) {
      await assert.rejects(enqueue(options), invalid(message));
      await assert.rejects(client.enqueueMany(task, [1], options as never), invalid(message));
    }
    assert.deepEqual(stored, []);
  });

  it('are told of before the input and the queue', async () => {
    const { client } = setUp();
    const options = { expire: '1s' } as EnqueueOptions;
    await assert.rejects(client.enqueue(task, 1n, options), { code: 'ERR_OPTION_INVALID' });
    await assert.rejects(client.enqueueMany(task, [], options), { code: 'ERR_OPTION_INVALID' });
  });

  it('are refused where one is of another kind', async () => {
    const { enqueue } = setUp();
    await assert.rejects(enqueue({ unique: 5 }), invalid('unique: 5 is not a string that is not empty'));
    await assert.rejects(enqueue({ unique: '' }), invalid('unique: "" is not a string that is not empty'));
    await assert.rejects(enqueue({ headers: null }), invalid('headers: null is not an object of strings'));
    await assert.rejects(enqueue({ retry: 3 }), invalid(/^the options of retry are an object, not a number/));
  });

  it('are taken where there are such', async () => {
    const { enqueue, stored } = setUp();
    await enqueue(undefined);
    await enqueue({});
    await enqueue({ queue: 'q' });
    await enqueue({
      queue: 'q',
      delay: '1s',
      expires: '1m',
      priority: 0,
      unique: 'u',
      timeout: '1s',
      retry: { attempts: 1, backoff: 'fixed', initial: '1s', max: '1s', jitter: '1%' },
      result: true,
      headers: { any: 'name' },
    });
    await enqueue({ at: new Date(0) });
    assert.equal(stored.length, 5);
  });
});

describe('what is enqueued', () => {
  const noTask = invalid(
    'the first argument is no task: pass what defineTask returned, or its name (a string)',
  );

  it('is a task or a name', async () => {
    const { client, stored } = setUp();
    for (const given of [undefined, null, 7, { name: 'nope' }, [{ task, input: 1 }], task.run]) {
      await assert.rejects(client.enqueue(given as never as AnyTask, {}), noTask);
      await assert.rejects(client.enqueueMany(given as never as AnyTask, [1]), noTask);
    }
    await assert.rejects(client.enqueue('no name', 1), { code: 'ERR_TASK_INVALID' });
    assert.deepEqual(stored, []);
    await client.enqueue('a.b', 1);
    await client.enqueue(task, 1);
    assert.equal(stored.length, 2);
  });

  it('has a list of inputs where there are many', async () => {
    const { client } = setUp();
    for (const inputs of [undefined, { a: 1 }, 'abc'])
      await assert.rejects(
        client.enqueueMany(task, inputs as never),
        invalid('the second argument is no list of inputs: pass an array'),
      );
  });
});

describe('the options of result', () => {
  it('are refused where there is no such one', async () => {
    const { client } = setUp();
    const handle = await client.enqueue(task, 1, { result: true });
    for (const [options, message] of [
      [{ timout: '1s' }, 'no option of result is named "timout", did you mean "timeout"?'],
      ['1s', 'the options of result are an object, not a string; there are: timeout'],
    ] as const)
      await assert.rejects(handle.result(options as never), invalid(message));
    await client.close();
  });
});

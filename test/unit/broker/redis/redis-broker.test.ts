import assert from 'node:assert/strict';
import { encodeJob } from '../../../../src/broker/job-record.ts';
import { replyError } from '../../../../src/broker/redis/errors.ts';
import { type Caller, RedisBroker } from '../../../../src/broker/redis/redis-broker.ts';
import { Scripts } from '../../../../src/broker/redis/scripts.ts';
import { newId } from '../../../../src/lib/ids.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

/** A broker whose server answers each script that a key has a wrong type, and a question for the type as the test says. */
function setUp(typeOf: (key: string) => Promise<string>) {
  const text = 'WRONGTYPE Operation against a key holding the wrong kind of value';
  const caller: Caller = {
    up: true,
    start: async () => undefined,
    run: (verb) => Promise.reject(replyError(verb, text, new Error(text))),
    call: (_verb, _args, key) => typeOf(key),
    close: async () => {},
  };
  const clock = new FakeClock();
  const options = { url: 'redis://127.0.0.1:1', namespace: 'n', random: () => 0.5, newId, log: silentLogger };
  const broker = new RedisBroker({ ...options, callDeadlineMs: 1_000, clock }, new Scripts(), caller);
  const job = {
    id: newId(),
    task: 'noop',
    priority: 5,
    keepResult: false,
    expiresAt: 0,
    unique: null,
    options: {},
  };
  const record = encodeJob({ ...job, input: 'null' });
  const enqueue = () => broker.enqueue('q', { id: newId(), notAfterAt: 1, jobs: [{ record, delayMs: 0 }] });
  return { clock, enqueue };
}

describe('the redis broker, where a key has a wrong type', () => {
  it('names it', async () => {
    const { enqueue } = setUp(async (key) => (key.endsWith('ready:5') ? 'string' : 'none'));
    await assert.rejects(enqueue(), /ready:5 is a string, expected a list/);
  });

  it('leaves it unnamed where the server answers no more within the time of the call', async () => {
    const { clock, enqueue } = setUp(() => new Promise(() => {}));
    const end = assert.rejects(enqueue(), { disposition: 'fatal', message: /WRONGTYPE/ });
    await clock.advance(1_000);
    await end;
  });

  it('leaves it unnamed where the server is gone meanwhile', async () => {
    const { enqueue } = setUp(() => Promise.reject(new Error('gone')));
    await assert.rejects(enqueue(), { disposition: 'fatal', message: /WRONGTYPE/ });
  });
});

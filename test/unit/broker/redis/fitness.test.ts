import assert from 'node:assert/strict';
import { checkFitness, riskIn } from '../../../../src/broker/redis/fitness.ts';

describe('a server is fit for jobs', () => {
  const policy = (name: string) => `# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:${name}\r\n`;
  const redis = (version: string) => `# Server\r\nredis_version:${version}\r\nos:Linux\r\n`;
  const valkey = (version: string) =>
    `redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:${version}\r\n`;

  for (const [name, server] of [
    ['redis 7.0.15', redis('7.0.15')],
    ['redis 8.2.1', redis('8.2.1')],
    ['redis 10.0.0', redis('10.0.0')],
    ['valkey 7.2.5', valkey('7.2.5')],
    ['valkey 8.1.0', valkey('8.1.0')],
  ] as const) {
    it(`when it is ${name} and evicts nothing`, () => checkFitness(server + policy('noeviction')));
  }

  for (const [name, server] of [
    ['redis 6.2.14', redis('6.2.14')],
    ['valkey 7.0.0', valkey('7.0.0')],
    ['unknown', 'nothing\r\n'],
  ] as const) {
    it(`but not when its version is ${name}`, () => {
      assert.throws(() => checkFitness(server + policy('noeviction')), {
        code: 'ERR_BROKER_UNFIT',
        disposition: 'fatal',
      });
    });
  }

  for (const name of ['allkeys-lru', 'volatile-ttl', 'allkeys-random']) {
    it(`but not when it may evict by ${name}`, () => {
      assert.throws(
        () => checkFitness(redis('7.0.15') + policy(name)),
        (error: Error) => error.message.includes(name),
      );
    });
  }
});

describe('a server may lose what it acknowledged', () => {
  it('when it keeps no append-only file', () => {
    assert.match(riskIn('# Persistence\r\naof_enabled:0\r\n') ?? '', /set appendonly yes/);
  });

  it('and nothing is said where it keeps one, or does not tell', () => {
    assert.equal(riskIn('# Persistence\r\naof_enabled:1\r\n'), null);
    assert.equal(riskIn('# Server\r\n'), null);
  });
});

import assert from 'node:assert/strict';
import { replyError } from '../../../../src/broker/redis/errors.ts';

describe('an error reply of redis', () => {
  const table: readonly [reply: string, disposition: string, code?: string][] = [
    ['LOADING Redis is loading the dataset in memory', 'refused'],
    ["READONLY You can't write against a read only replica.", 'refused'],
    ['MASTERDOWN Link with MASTER is down', 'refused'],
    ['CLUSTERDOWN Hash slot not served', 'refused'],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 'refused'],
    ['BUSY Redis is busy running a script.', 'refused'],
    ['NOREPLICAS Not enough good replicas to write.', 'refused'],
    ['MISCONF Redis is configured to save RDB snapshots', 'refused'],
    ['NOSCRIPT No matching script.', 'refused'],
    ['MOVED 3999 127.0.0.1:6381', 'refused'],
    ['ASK 3999 127.0.0.1:6381', 'refused'],
    ['UNBLOCKED client unblocked via CLIENT UNBLOCK', 'refused'],
    ['ERR Can not run script with write flag on readonly replica.', 'refused'],
    [
      "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
      'refused',
      'ERR_BROKER_FULL',
    ],
    ['NOAUTH Authentication required.', 'fatal'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'fatal'],
    ["NOPERM this user has no permissions to run the 'evalsha' command", 'fatal'],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', 'fatal'],
    ["CROSSSLOT Keys in request don't hash to the same slot", 'fatal'],
    ["ERR unknown command 'EVALSHA'", 'fatal'],
    ['ERR user_script:3: attempt to index a nil value script: 0a, on @user_script:3.', 'fatal'],
    ['', 'fatal'],
  ];
  for (const [reply, disposition, code = 'ERR_BROKER_UNAVAILABLE'] of table) {
    it(`${reply.slice(0, 40) || 'that is empty'} is ${disposition}`, () => {
      const error = replyError('enqueue', reply);
      assert.deepEqual([error.disposition, error.code], [disposition, code]);
      assert.match(error.message, /enqueue/);
    });
  }
});

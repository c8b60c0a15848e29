import assert from 'node:assert/strict';
import { BrokerError } from '../../../../src/broker/broker-error.ts';
import { replyError } from '../../../../src/broker/redis/errors.ts';
import { addressIn, urlAt } from '../../../../src/broker/redis/nodes.ts';
import { redirectionOf } from '../../../../src/broker/redis/redirection.ts';
import { hostOf, SlotMap } from '../../../../src/broker/redis/slot-map.ts';

describe('the map of a cluster', () => {
  const map = SlotMap.from(
    [
      [0, 99, ['10.0.0.1', 6379, 'id', []], ['10.0.0.9', 6379, 'replica', []]],
      [100, 100, ['', 6380, 'id']],
      [101, 200, ['2001:db8::1', 6379, 'id']],
      [300, 16_383, [null, 6381, 'id']],
    ],
    'seed.example',
  );

  for (const [slot, owner] of [
    [0, '10.0.0.1:6379'],
    [99, '10.0.0.1:6379'],
    [100, 'seed.example:6380'],
    [101, '[2001:db8::1]:6379'],
    [201, undefined],
    [299, undefined],
    [16_383, 'seed.example:6381'],
  ] as const) {
    it(`has slot ${slot} at ${owner ?? 'no node'}`, () => assert.equal(map.ownerOf(slot), owner));
  }

  it('names masters only, each once', () => {
    const all = ['10.0.0.1:6379', 'seed.example:6380', '[2001:db8::1]:6379', 'seed.example:6381'];
    assert.deepEqual([...map.owners], all);
  });

  it('of a node that has no slots is empty', () => assert.equal(SlotMap.from([], 'x').owners.size, 0));
});

describe('an answer that names another node', () => {
  const answered = (text: string) => redirectionOf(replyError('stats', text, new Error(text)), '10.0.0.1');
  for (const [text, found] of [
    ['MOVED 3999 127.0.0.1:6381', { type: 'moved', to: '127.0.0.1:6381' }],
    ['MOVED 3999 :6381', { type: 'moved', to: '10.0.0.1:6381' }],
    ['MOVED 3999 2001:db8::1:6381', { type: 'moved', to: '[2001:db8::1]:6381' }],
    ['ASK 3999 node-2.example:6381', { type: 'ask', to: 'node-2.example:6381' }],
    ['TRYAGAIN Multiple keys request during rehashing of slot', null],
    ['ERR MOVED 3999 127.0.0.1:6381', null],
  ] as const) {
    it(`${text}`, () => assert.deepEqual(answered(text), found));
  }

  it('is no failure without an answer', () => {
    assert.equal(redirectionOf(new BrokerError('unknown', 'MOVED 1 a:1'), 'x'), null);
    assert.equal(redirectionOf(new Error('MOVED 1 a:1'), 'x'), null);
  });
});

describe('the url of a node', () => {
  for (const [url, address, at] of [
    ['redis://seed', '10.0.0.1:7000', 'redis://10.0.0.1:7000'],
    ['redis://seed:6379/0', '10.0.0.1:7000', 'redis://10.0.0.1:7000'],
    ['rediss://me:p%40ss@seed:6379/0', '[::1]:7000', 'rediss://me:p%40ss@[::1]:7000'],
    ['rediss://me@seed', 'a.example:7000', 'rediss://me@a.example:7000'],
    ['redis://:secret@seed', 'a.example:7000', 'redis://:secret@a.example:7000'],
  ] as const) {
    it(`${address} by ${url}`, () => assert.equal(urlAt(url, address), at));
  }

  it('tells its address', () => {
    assert.equal(addressIn('redis://me:x@seed.example/0'), 'seed.example:6379');
    assert.equal(addressIn('rediss://[::1]:7000'), '[::1]:7000');
    assert.equal(hostOf('[::1]:7000'), '[::1]');
  });
});

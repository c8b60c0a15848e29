import assert from 'node:assert/strict';
import { Cutter, ReplyError } from './resp.ts';

const BYTES = Buffer.from(
  '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n\r\nü\r\n:12\r\n+OK\r\n-ERR no\r\n$-1\r\n*-1\r\n*2\r\n*1\r\n:1\r\n$0\r\n\r\n',
);
const VALUES = [['SET', 'k', '\r\nü'], 12, 'OK', new ReplyError('ERR no'), null, null, [[1], '']];

describe('cutting RESP into messages', () => {
  it('finds the same messages wherever the stream is torn', () => {
    for (let at = 0; at <= BYTES.length; at++) {
      const cutter = new Cutter();
      const messages = [...cutter.push(BYTES.subarray(0, at)), ...cutter.push(BYTES.subarray(at))];
      const values = messages.map(({ value }) => value);
      assert.deepEqual(values, [['SET', 'k', Buffer.from('\r\nü').toString('latin1')], ...VALUES.slice(1)]);
      assert.deepEqual(Buffer.concat(messages.map(({ bytes }) => bytes)), BYTES);
    }
  });

  it('refuses what is no RESP2', () => {
    assert.throws(() => new Cutter().push(Buffer.from('%1\r\n')), /not RESP2/);
  });
});

import assert from 'node:assert/strict';
import { decodeJob, type NewJob } from '../../../src/broker/job-record.ts';
import { retry, type World } from './world.ts';

const inputs: readonly [string, string][] = [
  ['an empty text', ''],
  ['null', 'null'],
  ['unicode and emoji', JSON.stringify('größe 漢字 😀 \u2028 \u0000')],
  ['lone surrogates', JSON.stringify({ high: '\ud83d', low: '\ude00!' })],
  ['__proto__', '{"__proto__":{"polluted":true},"constructor":1}'],
  ['numbers that no double holds', '{"n":12345678901234567890,"m":1e400,"z":-0}'],
  ['empty lists and objects', '{"a":[],"b":{},"c":[[]]}'],
  ['white space and line ends', '{ "a" :\r\n\t1 }'],
  ['what looks like protocol', '*3\r\n$3\r\nSET\r\n1:2 {x}:%d\\u0000'],
  ['1 MiB', JSON.stringify('é'.repeat(512 * 1024))],
];

export function describePayload(world: () => Promise<World>): void {
  describe('an input', () => {
    for (const [name, input] of inputs) {
      it(`of ${name} comes back as it was, also after a retry`, async () => {
        const w = await world();
        await w.enqueue({ input, unique: 'ключ "x" \\u0041' });
        const daemon = await w.daemon();
        const first = await daemon.claimOne();
        assert.equal(decodeJob(first.record).input, input);
        await daemon.settle(retry(first.token));
        const second = decodeJob((await daemon.claimOne()).record);
        assert.equal(second.input, input);
        assert.equal(second.failures, 1);
      });
    }

    it('travels with its options and its unique key', async () => {
      const w = await world();
      const draft: Partial<NewJob> = {
        task: 'order.ship',
        priority: 9,
        keepResult: true,
        expiresAt: (await w.now()) + 86_400_000,
        unique: 'é{}"\\',
        options: { timeout: 5_000, retry: { attempts: 2 }, headers: { trace: '😀' } },
      };
      await w.enqueue(draft);
      const job = decodeJob((await (await w.daemon()).claimOne()).record);
      for (const [key, value] of Object.entries(draft)) assert.deepEqual(job[key as keyof NewJob], value);
    });
  });
}

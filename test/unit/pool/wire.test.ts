import assert from 'node:assert/strict';
import type { FromWorker, ToWorker } from '../../../src/pool/host/protocol.ts';
import {
  packFromWorker,
  packToWorker,
  unpackFromWorker,
  unpackToWorker,
} from '../../../src/pool/host/wire.ts';
import type { AttemptSpec } from '../../../src/task/run.ts';

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const HEADERS = { trace: 'é' };

function spec(more: Partial<AttemptSpec> = {}): AttemptSpec {
  const fence = more.fence ?? 1;
  const limits = { timeoutMs: 5_000, maxResultBytes: 1_000 };
  const job = { id: ID, task: 'task', queue: 'q', attempt: 1, input: '{"a":" "}', headers: HEADERS };
  return { token: `${more.id ?? ID}:${fence}`, ...job, fence, ...limits, ...more };
}

const overJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('the wire between master and worker', () => {
  const batches: Readonly<Record<string, readonly AttemptSpec[]>> = {
    none: [],
    'one without an input': [spec({ input: '' })],
    'several alike': [spec(), spec({ fence: 2 }), spec({ fence: 3, attempt: 2 })],
    'several kinds in turns': [1, 2, 3, 4].map((fence) =>
      spec({ fence, task: fence % 2 === 0 ? 'even' : 'odd' }),
    ),
    'more kinds than are looked back at': Array.from({ length: 40 }, (_, n) =>
      spec({ fence: n + 1, headers: { n: String(n % 20) } }),
    ),
    'tokens that are not made of id and fence': [spec({ token: 'a' }), spec({ token: 'b', id: 'x' }), spec()],
  };
  for (const [name, deliveries] of Object.entries(batches)) {
    it(`carries deliveries as they are: ${name}`, () => {
      const wire = overJson(packToWorker({ type: 'run', deliveries }));
      assert.deepEqual(unpackToWorker(wire), { type: 'run', deliveries });
    });
  }

  it('sends what deliveries have in common once', () => {
    const deliveries = Array.from({ length: 256 }, (_, n) => spec({ fence: n + 1 }));
    const bytes = JSON.stringify(packToWorker({ type: 'run', deliveries })).length / 256;
    assert(bytes < 80, `${bytes} bytes a delivery`);
  });

  const error = { name: 'Error', message: 'no' };
  const messages: readonly (FromWorker | ToWorker)[] = [
    { type: 'started', tokens: ['a:1'] },
    { type: 'started', tokens: ['a:1', 'b:2'] },
    { type: 'ended', ended: [{ token: 'a:1', outcome: { type: 'completed' } }] },
    { type: 'ended', ended: [{ token: 'a:1', outcome: { type: 'completed', result: '"x y"' } }] },
    {
      type: 'ended',
      ended: [
        { token: 'a:1', outcome: { type: 'completed' } },
        { token: 'b:1', outcome: { type: 'failed', error, retryable: true } },
      ],
      started: ['c:1', 'd:1'],
    },
    { type: 'pong', number: 3 },
    { type: 'bye' },
  ];
  for (const message of messages) {
    it(`carries ${JSON.stringify(message).slice(0, 70)}`, () => {
      const wire = overJson(packFromWorker(message as FromWorker));
      assert.deepEqual(unpackFromWorker(wire), message);
    });
  }
});

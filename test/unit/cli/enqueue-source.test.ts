import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Surroundings } from '../../../src/cli/context.ts';
import { type InputSource, readLines, readValue, sourceOf } from '../../../src/cli/enqueue-source.ts';

function source(...chunks: (string | Buffer)[]): InputSource {
  return {
    name: 'in',
    totalBytes: null,
    open: () => Readable.from(chunks.map((chunk) => Buffer.from(chunk))),
  };
}

async function lines(from: InputSource, maxBytes = 100) {
  const found = [];
  for await (const line of readLines(from, maxBytes)) found.push(line);
  return found;
}

describe('lines of input', () => {
  it('are numbered as an editor numbers them, blank ones left out', async () => {
    assert.deepEqual(await lines(source('1\n\n  \n2\n3')), [
      { number: 1, text: '1', bytes: 2 },
      { number: 4, text: '2', bytes: 2 },
      { number: 5, text: '3', bytes: 2 },
    ]);
  });

  it('are the same however the bytes are cut into chunks', async () => {
    const text = Buffer.from('{"a":"zażółć"}\r\n{"b":"日本"}\n');
    const whole = await lines(source(text));
    const bytes = [...text].map((byte) => Buffer.from([byte]));
    assert.deepEqual(await lines(source(...bytes)), whole);
    assert.deepEqual(
      whole.map(({ text: line }) => JSON.parse(line) as unknown),
      [{ a: 'zażółć' }, { b: '日本' }],
    );
  });

  it('come before the source has ended', async () => {
    const endless = new Readable({ read() {} });
    endless.push('1\n2\n');
    const reader = readLines({ name: 'in', totalBytes: null, open: () => endless }, 100);
    assert.equal((await reader.next()).value?.text, '1');
    assert.equal((await reader.next()).value?.text, '2');
    await reader.return(undefined);
    assert.equal(endless.destroyed, true);
  });

  for (const [name, chunks] of [
    ['in one chunk', ['1\n', `${'x'.repeat(101)}\n`]],
    ['in many chunks', ['1\n', ...Array.from({ length: 30 }, () => 'xxxx')]],
  ] as const) {
    it(`are refused when too long, ${name}, and named`, async () => {
      await assert.rejects(lines(source(...chunks)), { code: 'ERR_INPUT_TOO_LARGE', message: /^in:2: / });
    });
  }

  it('may be as long as is allowed', async () => {
    assert.equal((await lines(source('x'.repeat(100), '\n'))).length, 1);
  });

  it('tell a source that breaks', async () => {
    const broken = new Readable({
      read() {
        this.destroy(new Error('disk gone'));
      },
    });
    const from = { name: 'in', totalBytes: null, open: () => broken };
    await assert.rejects(lines(from), { code: 'ERR_USAGE', message: 'cannot read in: disk gone' });
  });
});

describe('one value of input', () => {
  it('is the whole source as JSON', async () => {
    assert.deepEqual(await readValue(source('{"a":', '1}\n'), 100), { a: 1 });
  });

  for (const [text, message] of [
    ['', /^in: not JSON: it is empty$/],
    ['{', /^in: not JSON: /],
  ] as const) {
    it(`is refused when it is ${JSON.stringify(text)}`, async () => {
      await assert.rejects(readValue(source(text), 100), { code: 'ERR_INPUT_INVALID', message });
    });
  }

  it('is refused when it is too large, before it is read to its end', async () => {
    await assert.rejects(readValue(source('x'.repeat(60), 'x'.repeat(60)), 100), {
      code: 'ERR_INPUT_TOO_LARGE',
    });
  });
});

describe('the source that an argument names', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    await writeFile(join(folder, 'trip.json'), '{"a":1}');
  });
  after(() => rm(folder, { recursive: true }));

  const of = (text: string) =>
    sourceOf(text, { stdin: Readable.from([Buffer.from('1')]), cwd: folder } as unknown as Surroundings);

  it('is none for JSON', async () => assert.equal(await of('{"a":1}'), null));

  it('is a file after @, of known size', async () => {
    const found = await of('@trip.json');
    assert.deepEqual([found?.name, found?.totalBytes], ['trip.json', 7]);
    assert.deepEqual(await readValue(found as InputSource, 100), { a: 1 });
  });

  it('is standard input for -', async () => {
    const found = await of('-');
    assert.deepEqual([found?.name, found?.totalBytes], ['standard input', null]);
    assert.equal(await readValue(found as InputSource, 100), 1);
  });

  for (const [text, message] of [
    ['@nothing.json', /there is no such file$/],
    ['@.', /it is a directory$/],
  ] as const) {
    it(`is a fault of the caller for ${text}`, async () => {
      await assert.rejects(of(text), { code: 'ERR_USAGE', message });
    });
  }
});

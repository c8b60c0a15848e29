import assert from 'node:assert/strict';
import { type Format, Output, safeJson, wantsColor } from '../../../src/cli/output.ts';
import { RecordStream } from '../../../src/cli/record-stream.ts';
import { CapturedStream } from '../../support/captured-stream.ts';

function create(
  format: Format = 'table',
  more: { quiet?: boolean; verbose?: boolean; terminal?: { columns: number } } = {},
) {
  const stdout = new CapturedStream(more.terminal);
  const stderr = new CapturedStream(more.terminal);
  const { quiet = false, verbose = false } = more;
  const output = new Output({ stdout, stderr, format, quiet, verbose, color: false, env: {} });
  return { output, stdout, stderr };
}

const report = { schema: 'x/1', list: [{ n: 1 }, { n: 2 }] };

describe('output', () => {
  for (const [format, expected] of [
    ['table', 'for people\n'],
    ['wide', 'for people\n'],
    [
      'json',
      '{\n  "schema": "x/1",\n  "list": [\n    {\n      "n": 1\n    },\n    {\n      "n": 2\n    }\n  ]\n}\n',
    ],
    ['ndjson', '{"n":1}\n{"n":2}\n'],
    ['yaml', 'schema: x/1\nlist:\n  - n: 1\n  - n: 2\n'],
  ] as const) {
    it(`prints a report as ${format}`, async () => {
      const { output, stdout, stderr } = create(format);
      await output.report(report, () => 'for people', report.list);
      assert.equal(stdout.text, expected);
      assert.equal(stderr.text, '');
    });
  }

  it('prints messages to stderr, never to stdout', () => {
    const { output, stdout, stderr } = create('json', { verbose: true });
    output.message('m');
    output.detail('d');
    output.warning('w');
    output.error('e');
    assert.equal(stdout.text, '');
    assert.equal(stderr.text, 'm\nd\nwarning: w\nerror: e\n');
  });

  it('breaks messages at blanks on a terminal, and nowhere else', () => {
    const text = `the first words ${'x'.repeat(30)} of a message`;
    const { output, stderr } = create('table', { terminal: { columns: 30 } });
    output.error(text);
    output.message(text);
    assert.deepEqual(stderr.text.split('\n'), [
      'error: the first words',
      'x'.repeat(30),
      'of a message',
      'the first words',
      'x'.repeat(30),
      'of a message',
      '',
    ]);
    const piped = create();
    piped.output.error(text);
    assert.equal(piped.stderr.text, `error: ${text}\n`);
  });

  it('prints only errors and warnings when quiet, and details only when verbose', () => {
    const { output, stderr } = create('table', { quiet: true });
    output.message('m');
    output.detail('d');
    output.warning('w');
    output.error('e');
    assert.equal(stderr.text, 'warning: w\nerror: e\n');
  });

  it('takes control characters out of errors', () => {
    const { output, stderr } = create();
    output.error('a\x1b]0;title\x07b\nnext');
    assert.equal(stderr.text, 'error: a ]0;title b\nnext\n');
  });

  it('keeps an overlay below whatever else is printed on the terminal', async () => {
    const { output, stderr } = create('table', { terminal: { columns: 40 } });
    const order: string[] = [];
    output.setOverlay({ erase: () => order.push('erase'), draw: () => order.push('draw') });
    output.message('m');
    order.push('|');
    await output.data('data\n');
    output.setOverlay(null);
    assert.deepEqual(order, ['draw', 'erase', 'draw', '|', 'erase', 'draw', 'erase']);
    assert.equal(stderr.text, 'm\n');
  });

  it('resolves a write only when a slow reader takes more', async () => {
    const { output, stdout } = create();
    let release = () => {};
    stdout._write = (_chunk, _encoding, done) => {
      release = done;
    };
    let written = false;
    const write = output.data('x'.repeat(100_000)).then(() => {
      written = true;
    });
    await new Promise(setImmediate);
    assert.equal(written, false);
    release();
    await write;
    assert.equal(written, true);
  });

  it('escapes in JSON what a terminal would act on, and stays the same value', () => {
    const value = { text: 'a\x1b\x9b\u202e\u2028b' };
    assert.match(safeJson(value), /^[\x20-\x7e]*$/);
    assert.deepEqual(JSON.parse(safeJson(value)), value);
  });
});

describe('colours', () => {
  for (const [name, flag, env, terminal, expected] of [
    ['a terminal', undefined, {}, true, true],
    ['a pipe', undefined, {}, false, false],
    ['--no-color on a terminal', false, { FORCE_COLOR: '1' }, true, false],
    ['NO_COLOR on a terminal', undefined, { NO_COLOR: '1' }, true, false],
    ['an empty NO_COLOR', undefined, { NO_COLOR: '' }, true, true],
    ['FORCE_COLOR in a pipe', undefined, { FORCE_COLOR: '1' }, false, true],
    ['FORCE_COLOR=0 on a terminal', undefined, { FORCE_COLOR: '0' }, true, false],
    ['a dumb terminal', undefined, { TERM: 'dumb' }, true, false],
  ] as const) {
    it(`are ${expected ? 'on' : 'off'} for ${name}`, () =>
      assert.equal(wantsColor(flag, env, terminal), expected));
  }
});

describe('record stream', () => {
  async function printed(format: Format, records: readonly object[]): Promise<string> {
    const { output, stdout } = create(format);
    const stream = new RecordStream(output);
    for (const record of records) await stream.write(record, 'line');
    await stream.end();
    return stdout.text;
  }

  for (const [format, expected] of [
    ['table', 'line\nline\n'],
    ['ndjson', '{"a":1}\n{"a":2}\n'],
    ['json', '[\n{"a":1},\n{"a":2}\n]\n'],
    ['yaml', '---\na: 1\n---\na: 2\n'],
  ] as const) {
    it(`prints records as ${format}`, async () =>
      assert.equal(await printed(format, [{ a: 1 }, { a: 2 }]), expected));
  }

  it('writes long records at once and short ones together', async () => {
    const { output, stdout } = create('ndjson');
    const stream = new RecordStream(output);
    const length = await stream.write({ a: 1 });
    assert.deepEqual([stdout.text, length], ['', 8]);
    await stream.write({ a: 'x'.repeat(100_000) });
    assert.equal(stdout.text.split('\n').length, 3);
  });

  it('is whole JSON without any record', async () =>
    assert.deepEqual(JSON.parse(await printed('json', [])), []));
});

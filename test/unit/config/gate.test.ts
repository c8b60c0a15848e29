import assert from 'node:assert/strict';
import { gate, SIZE_LIMIT } from '../../../src/config/gate.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const lines = (count: number, line: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => line(n)).join('\n');

describe('the gate before the YAML parser', () => {
  const refused: [string, string, RegExp][] = [
    ['602 bytes of nested complex keys', '? '.repeat(301), /complex keys/],
    ['802 bytes of nested complex keys', '? '.repeat(401), /complex keys/],
    ['complex keys in brackets', 'a: { ? b : c }', /complex keys/],
    ['30,000 keys', lines(30_000, (n) => `k${n}: 1`), /larger than 256 KiB|lines/],
    ['30,000 short keys', lines(30_000, (n) => `${n.toString(36)}:`), /lines/],
    [
      '30,000 keys on one line',
      `{${lines(30_000, (n) => `${n.toString(36)}: 1`).replaceAll('\n', ',')}}`,
      /256 KiB|keys and list items/,
    ],
    [
      '20,000 keys on one line',
      `{${lines(20_000, (n) => n.toString(36)).replaceAll('\n', ',')}}`,
      /keys and list items/,
    ],
    ['400 KB at depth 200,000', '['.repeat(200_000) + ']'.repeat(200_000), /larger than 256 KiB/],
    ['200 KB of open brackets', '['.repeat(200_000), /brackets/],
    ['33 brackets inside each other', '['.repeat(33) + ']'.repeat(33), /brackets/],
    ['mixed brackets inside each other', '[{a: '.repeat(17), /brackets/],
    ['300 levels of mappings', lines(300, (n) => `${' '.repeat(n)}a:`), /indented/],
    ['300 levels of lists on one line', '- '.repeat(300), /indented/],
    ['a line indented by tabs', `a:\n${'\t'.repeat(100)}b: 1`, /indented/],
    ['10,000 quoted keys on one line', "': ".repeat(10_000), /keys on one line/],
    ['5,001 lines', '#\n'.repeat(5_001), /lines/],
    ['a directive that changes the version', '%YAML 1.1\n---\na: yes', /directives/],
    ['125,000 quotes', '"'.repeat(250_000), /words/],
    ['80,000 anchors', '&a '.repeat(80_000), /words/],
  ];
  for (const [what, text, message] of refused) {
    it(`refuses ${what} long before a parser would be through with it`, () => {
      const start = performance.now();
      const reply = gate(bytes(text));
      const ms = performance.now() - start;
      assert.equal(reply.passed, false);
      assert.match(reply.passed ? '' : reply.message, message);
      assert.ok(ms < 5_000, `took ${ms} ms`);
    });
  }

  it('refuses what is not UTF-8', () => {
    const reply = gate(Uint8Array.of(0x61, 0x3a, 0x20, 0xff));
    assert.deepEqual(reply, { passed: false, message: 'the file is not UTF-8 text', text: '', offset: null });
  });

  it('says where the first thing stands that it refuses', () => {
    const reply = gate(bytes('a: 1\nb:\n  ? x\n'));
    assert.equal(reply.passed ? null : reply.offset, 10);
  });

  const passed: [string, string][] = [
    ['a file of exactly the size limit', `#${' '.repeat(SIZE_LIMIT - 1)}`],
    ['5,000 lines', '#\n'.repeat(5_000)],
    ['32 brackets inside each other', '['.repeat(32) + ']'.repeat(32)],
    [
      'brackets and question marks in texts',
      `a: "[[ ? {{"\nb: '${'['.repeat(100)}'\nc: what? [\nd: |\n  ${'{'.repeat(100)}\n  ? x\n`,
    ],
    ['brackets in comments', `# ${'['.repeat(100)} ? %\na: 1`],
    ['brackets one after the other', `[${'[], '.repeat(500)}]`],
    ['a byte order mark', '\ufeffa: 1'],
    ['a long text that is indented deep', `a: |\n${' '.repeat(100)}x\n`],
    ['an empty file', ''],
  ];
  for (const [what, text] of passed) {
    it(`lets ${what} pass`, () => {
      const reply = gate(bytes(text));
      assert.equal(reply.passed ? 'passed' : reply.message, 'passed');
    });
  }
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Trace } from '../../../examples/tracking/filter/filter.ts';
import { generateTrace } from '../../../examples/tracking/trace/generate.ts';
import { type ReadReport, readTrips } from '../../../examples/tracking/trace/read-trips.ts';
import { type Columns, parseHeader, parseRow } from '../../../examples/tracking/trace/trips.ts';

const columns = parseHeader('lat,lng,datetime,uid') as Columns;

const badRows: readonly (readonly [line: string, why: RegExp])[] = [
  ['x,116,2008-10-23 05:53:05,001', /^lat: "x" is not/],
  ['91,116,2008-10-23 05:53:05,001', /^lat: "91" is not/],
  [',116,2008-10-23 05:53:05,001', /^lat: "" is not/],
  ['39,181,2008-10-23 05:53:05,001', /^lng: "181" is not/],
  ['39,116,23.10.2008 05:53,001', /^datetime: .* is not like/],
  ['39,116,2008-13-23 05:53:05,001', /^datetime: /],
  ['39,116,2008-10-23 05:53:05,', /^uid: is empty/],
  ['39', /^lng: "" is not/],
];

describe('a line of a CSV of fixes', () => {
  it('becomes a row, its time taken as UTC', () => {
    assert.deepEqual(parseRow('39.5,-116.25,2008-10-23 05:53:05,001', columns), {
      device: '001',
      lat: 39.5,
      lng: -116.25,
      at: Date.UTC(2008, 9, 23, 5, 53, 5),
    });
  });

  it('is read by the names of the columns, in any order', () => {
    const other = parseHeader('uid,altitude,datetime,LNG, lat') as Columns;
    assert.deepEqual(parseRow('7,99,2008-10-23T05:53:05.250,2,1', other), {
      device: '7',
      lat: 1,
      lng: 2,
      at: Date.UTC(2008, 9, 23, 5, 53, 5, 250),
    });
  });

  it('is refused without its columns', () => {
    assert.match(String(parseHeader('lat;lng;datetime;uid')), /no lat, lng, datetime, uid$/);
  });

  for (const [line, why] of badRows) {
    it(`is refused as ${JSON.stringify(line)}`, () => assert.match(String(parseRow(line, columns)), why));
  }
});

describe('reading trips', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forkloop-trips-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function read(text: string | Buffer, name = 'fixes.csv') {
    const path = join(folder, name);
    await writeFile(path, text);
    const report: ReadReport = { rows: 0, bad: 0, trips: 0, lonely: 0 };
    const trips: Trace[] = [];
    const complaints: string[] = [];
    for await (const trip of readTrips(
      path,
      (message) => complaints.push(message.replace(`${folder}/`, '')),
      report,
    )) {
      trips.push(trip);
    }
    return { trips, complaints, report };
  }

  const row = (time: string, uid = 'a') => `48.5,2.5,2008-10-23 ${time},${uid}\n`;
  const head = 'lat,lng,datetime,uid\n';

  it('ends a trip after a silence of more than ten minutes', async () => {
    const { trips } = await read(
      head + row('05:00:00') + row('05:10:00') + row('05:20:01') + row('05:20:02'),
    );
    assert.deepEqual(
      trips.map(({ points }) => points.map(({ at }) => at.slice(11, 19))),
      [
        ['05:00:00', '05:10:00'],
        ['05:20:01', '05:20:02'],
      ],
    );
  });

  it('keeps devices apart', async () => {
    const { trips } = await read(
      head + row('05:00:00', 'a') + row('05:00:01', 'b') + row('05:00:02', 'a') + row('05:00:03', 'b'),
    );
    assert.deepEqual(
      trips.map(({ device, points }) => [device, points.length]),
      [
        ['a', 2],
        ['b', 2],
      ],
    );
  });

  it('counts a fix alone, reports bad lines with their place, and goes on', async () => {
    const { trips, complaints, report } = await read(
      `${head}${row('05:00:00')}rubbish\n\n${row('07:00:00')}${row('07:00:01')}`,
    );
    assert.equal(trips.length, 1);
    assert.deepEqual(complaints, ['fixes.csv:3: lat: "rubbish" is not a number from -90 to 90']);
    assert.deepEqual(report, { rows: 3, bad: 1, trips: 1, lonely: 1 });
  });

  it('reads gzip, Windows line ends and a byte order mark', async () => {
    const text = `\uFEFF${head}${row('05:00:00')}${row('05:00:01')}`.replaceAll('\n', '\r\n');
    const { trips } = await read(gzipSync(text), 'fixes.csv.gz');
    assert.equal(trips[0]?.points.length, 2);
  });

  it('rejects a file that is missing, empty, not gzip or without a header', async () => {
    await assert.rejects(async () => {
      for await (const _ of readTrips(join(folder, 'none.csv'), () => {})) assert.fail();
    }, /ENOENT/);
    await assert.rejects(read(''), /is empty/);
    await assert.rejects(read('no gzip', 'broken.csv.gz'), /header/);
    await assert.rejects(
      read(gzipSync(head + row('05:00:00').repeat(9)).subarray(0, 40), 'cut.csv.gz'),
      /unexpected end/,
    );
    await assert.rejects(read(row('05:00:00')), /the first line must name the columns/);
  });
});

describe('generated traces', () => {
  it('are the same for the same seed and differ between seeds', () => {
    assert.deepEqual(generateTrace({ seed: 7, points: 300 }), generateTrace({ seed: 7, points: 300 }));
    assert.notDeepEqual(
      generateTrace({ seed: 7, points: 300 }).points,
      generateTrace({ seed: 8, points: 300 }).points,
    );
  });

  it('have as many points as asked for', () => {
    for (const points of [0, 1, 777]) assert.equal(generateTrace({ seed: 1, points }).points.length, points);
  });
});

/** Everything that the file of an embedded store holds, read by itself after its daemon has ended. */

import Database from 'libsql';
import type { DumpEvent, Event } from './history.ts';

/** Of a place: below are jobs that wait, above it the dead. */
const IN_FLIGHT = 40;

export function dumpStore(path: string, name: string): Event[] {
  const database = new Database(path);
  try {
    const rows = <Row>(sql: string, ...values: readonly unknown[]): Row[] =>
      database
        .prepare(sql)
        .raw()
        .all([...values]) as Row[];
    const [[found] = ['no answer']] = rows<[string]>('pragma quick_check(1)');
    const [[strays] = [0]] = rows<[number]>(
      `select (select count(*) from record where key not in (select key from place))
         + (select count(*) from place where key not in (select key from record))`,
    );
    const ticks = rows<[string, number]>('select name, tick from schedule');
    const file: Event = {
      kind: 'file',
      name,
      damage: found === 'ok' ? null : found,
      strays,
      ticks: Object.fromEntries(ticks),
    };
    const queues = rows<[number, string, string]>('select id, name, counters from queue');
    const dumps = queues.map(([id, queue, counters]): DumpEvent => {
      const standing = rows<[number, string]>(
        'select line, record from place join record using (key) where queue = ?',
        id,
      );
      const inLine = (is: (line: number) => boolean) =>
        standing.filter(([line]) => is(line)).map(([, record]) => record);
      const results = rows<[string, string]>('select id, json from result where queue = ?', id);
      return {
        kind: 'dump',
        queue: `${queue} of ${name}`,
        waiting: inLine((line) => line < IN_FLIGHT),
        inFlight: inLine((line) => line === IN_FLIGHT).map((record) => ({ daemon: name, token: '', record })),
        leases: [],
        dead: inLine((line) => line > IN_FLIGHT),
        unique: Object.fromEntries(
          rows<[string, string]>('select text, id from unique_key where queue = ?', id),
        ),
        counters: JSON.parse(counters) as Record<string, number>,
        results: Object.fromEntries(
          results.map(([job, json]) => [job, (JSON.parse(json) as { status: string }).status]),
        ),
        strayKeys: [],
      };
    });
    return [file, ...dumps];
  } finally {
    database.close();
  }
}

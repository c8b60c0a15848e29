/** Every statement of the store, prepared once. Lists go in as JSON (`json_each`), rows come out as arrays. */

import type Database from 'libsql';

export type Statements = Readonly<Record<keyof typeof SQL, Database.Statement>>;

export function prepare(database: Database.Database): Statements {
  const prepared = Object.entries(SQL).map(([name, text]) => {
    const statement = database.prepare(text);
    if (/^(select|with)/.test(text.trim())) statement.raw();
    return [name, statement] as const;
  });
  return Object.fromEntries(prepared) as Statements;
}

const SQL = {
  queues: 'select id, name, counters from queue',
  setQueue: `insert into queue (id, name, counters) values (?, ?, ?)
    on conflict (id) do update set counters = excluded.counters`,
  lastKey: 'select max(key) from record',
  totals: 'select line, count(*), min(rank), max(rank) from place where queue = ? group by line',
  meta: 'select value from meta where name = ?',
  setMeta: 'insert or replace into meta (name, value) values (?, ?)',

  addRecords: `insert into record (key, id, record)
    select ? + key, substr(value, 2, 36), value from json_each(?)`,
  addPlaces: `insert into place (key, queue, line, rank)
    select ?1 + key, ?2, value ->> 0, value ->> 1 from json_each(?3)`,
  first: `select place.key, record.record from place join record on record.key = place.key
    where place.queue = ? and place.line = ? order by place.rank limit ?`,
  sizes: `select octet_length(record.record) from place join record on record.key = place.key
    where place.queue = ? and place.line = ? order by place.rank limit ?`,
  setLine: 'update place set line = ? where key in (select value from json_each(?))',
  read: 'select key, record from record where key in (select value from json_each(?))',
  setRecords: `update record set record = moved.value ->> 1 from json_each(?) as moved
    where record.key = moved.value ->> 0`,
  setPlaces: `update place set line = moved.value ->> 1, rank = moved.value ->> 2 from json_each(?) as moved
    where place.key = moved.value ->> 0`,
  removeRecords: 'delete from record where key in (select value from json_each(?))',
  removePlaces: 'delete from place where key in (select value from json_each(?))',

  due: `select place.key, substr(record.record, 1, ?) from place join record on record.key = place.key
    where place.queue = ? and place.line = ? and place.rank <= ? order by place.rank limit ?`,
  nextDue: 'select rank from place where queue = ? and line = ? order by rank limit 1',
  oldDead: `select key from place where queue = ? and line = ? and rank < ?
    union select key from (select key from place where queue = ? and line = ? order by rank limit ?)`,
  heads: `select place.key, substr(record.record, 1, ?) from place join record on record.key = place.key
    where place.queue = ? and place.line = ? order by place.rank limit 1`,
  list: `select place.key, record.record, place.rank from place join record on record.key = place.key
    where place.queue = ? and place.line = ? order by place.rank limit ?`,
  listLatest: `select place.key, record.record, place.rank from place join record on record.key = place.key
    where place.queue = ? and place.line = ? order by place.rank desc limit ?`,
  sizesLatest: `select octet_length(record.record) from place join record on record.key = place.key
    where place.queue = ? and place.line = ? order by place.rank desc limit ?`,
  find: `select record.key, record.record, place.line, place.rank from record join place on place.key = record.key
    where record.id = ? and place.queue = ?`,
  inFlight: 'select key from place where queue = ? and line = ? order by rank desc limit ?',

  holderOf: 'select id from unique_key where queue = ? and text = ?',
  hold: 'insert into unique_key (queue, text, id) values (?, ?, ?)',
  release: 'delete from unique_key where queue = ? and text = ? and id = ?',

  answerTo: 'select jobs, answer from mark where queue = ? and batch = ?',
  remember: 'insert into mark (queue, batch, jobs, answer, until) values (?, ?, ?, ?, ?)',
  purgeMarks: `delete from mark where (queue, batch) in
    (select queue, batch from mark where until < ? limit ?)`,

  watermark: 'select tick, holder from schedule where queue = ? and name = ?',
  setWatermark: 'insert or replace into schedule (queue, name, tick, holder) values (?, ?, ?, ?)',

  pause: 'select version, paused_at from pause where queue = ?',
  setPause: 'insert or replace into pause (queue, version, paused_at) values (?, ?, ?)',

  keepResults: `insert or replace into result (id, queue, until, json)
    select value ->> 0, ?, value ->> 2, value ->> 1 from json_each(?)`,
  results: `select id, json from result where queue = ? and until > ?
    and id in (select value from json_each(?))`,
  resultSizes: `select id, octet_length(json) from result where queue = ? and until > ?
    and id in (select value from json_each(?))`,
  dropResult: 'delete from result where queue = ? and id = ?',
  purgeResults: `delete from result where rowid in
    (select rowid from result where until <= ? limit ?)`,
} as const;

-- One file, owned by one daemon. A job's record is written once and read often, so it stands apart from its place,
-- which moves: a claim touches a few bytes, however large the job is. Both share the key.

create table queue (
  id integer primary key,
  name text not null unique,
  counters text not null -- JSON, see QueueCounter
) strict;

create table record (
  key integer primary key,
  id text not null,
  record text not null -- see job-record.ts
) strict;
create index record_by_id on record (id);

-- line: see engine/shelf.ts. rank: order within a ready line, due time of a delayed job, time of death of a dead one.
create table place (
  key integer primary key,
  queue integer not null,
  line integer not null,
  rank integer not null
) strict;
create index place_in_line on place (queue, line, rank);

create table unique_key (
  queue integer not null,
  text text not null,
  id text not null,
  primary key (queue, text)
) strict, without rowid;

-- Batches that were stored, so that a repeat changes nothing. answer: JSON, null when no job was refused.
create table mark (
  queue integer not null,
  batch text not null,
  jobs integer not null,
  answer text,
  until integer not null,
  primary key (queue, batch)
) strict, without rowid;
create index mark_by_until on mark (until);

create table result (
  id text not null,
  queue integer not null,
  until integer not null,
  json text not null,
  primary key (id)
) strict;
create index result_by_until on result (until);

-- highest_time: the time of the latest purge. A batch whose mark is gone is older than that, whatever the clock says.
create table meta (
  name text primary key,
  value integer not null
) strict, without rowid;

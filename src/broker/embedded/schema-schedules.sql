-- How far each schedule has come. holder: the job because of which that tick's job was not stored.
create table schedule (
  queue integer not null,
  name text not null,
  tick integer not null,
  holder text,
  primary key (queue, name)
) strict, without rowid;

-- Queues that were ever paused. paused_at: null when it was resumed.
create table pause (
  queue integer primary key,
  version integer not null,
  paused_at integer
) strict;

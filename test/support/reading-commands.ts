/** Every command that only reads, and what its report holds: who adds or changes one says so here. */

export interface ReadingCommand {
  /** Its words; `JOB` stands for the id of a stored job. */
  readonly words: string;
  readonly schema: string;
  /** The keys of its report, in order. Another set of keys is another version of the schema. */
  readonly keys: string;
  /** The same of each line of ndjson; null: the report itself is the line. */
  readonly line: string | null;
}

const QUEUES_AND_SO_ON =
  'schema name pid version state started_at uptime_seconds broker pools queues log launch config';
const JOB =
  'schema id task task_loaded queue state claims attempt failures crashes recoveries priority created_at due_at died_at expires_at unique error progress';
const QUEUE =
  'schema name pool paused paused_since ready delayed in_flight dead oldest_ready_seconds counters';
const SCHEDULE =
  'schema name task queue cron timezone every_ms jitter_ms overlap missed input reached_at skipped_for next';
const WORKER =
  'id pool slot kind host pid state stalled generation restarts age_seconds jobs_done jobs_running longest rss_bytes cpu_percent';
const STACK = 'id pool slot pid state jobs_running job_id task stack';
const HEALTH_CHECK = 'name ok detail';
const CHECK = 'name status message fix';
const TASK = 'name queue queue_from pool validated options';

export const READING_COMMANDS: readonly ReadingCommand[] = [
  { words: 'status', schema: 'forkloop.status/1', keys: QUEUES_AND_SO_ON, line: null },
  { words: 'health live', schema: 'forkloop.health/1', keys: 'schema probe ok checks', line: HEALTH_CHECK },
  { words: 'health ready', schema: 'forkloop.health/1', keys: 'schema probe ok checks', line: HEALTH_CHECK },
  {
    words: 'dump',
    schema: 'forkloop.dump/1',
    keys: 'schema status in_flight stacks leases stuck loop_age_ms',
    line: null,
  },
  {
    words: 'check',
    schema: 'forkloop.check/1',
    keys: 'schema ok path problems',
    line: 'file line column width path severity message',
  },
  { words: 'worker list', schema: 'forkloop.workers/1', keys: 'schema workers', line: WORKER },
  { words: 'worker stacks', schema: 'forkloop.stacks/1', keys: 'schema stacks', line: STACK },
  { words: 'job list', schema: 'forkloop.jobs/1', keys: 'schema jobs more scanned stored', line: JOB },
  { words: 'job show JOB', schema: 'forkloop.job/1', keys: JOB, line: null },
  { words: 'queue list', schema: 'forkloop.queues/1', keys: 'schema queues', line: QUEUE },
  { words: 'queue show cpu', schema: 'forkloop.queue/1', keys: QUEUE, line: null },
  { words: 'schedule list', schema: 'forkloop.schedules/1', keys: 'schema schedules', line: SCHEDULE },
  { words: 'schedule show tick', schema: 'forkloop.schedule/1', keys: SCHEDULE, line: null },
  { words: 'task list', schema: 'forkloop.tasks/1', keys: 'schema tasks', line: TASK },
  { words: 'task show echo', schema: 'forkloop.task/1', keys: `schema ${TASK} input_schema`, line: null },
  { words: 'config show', schema: 'forkloop.config/1', keys: 'schema path config', line: 'key value' },
  {
    words: 'config show --origin',
    schema: 'forkloop.config/1',
    keys: 'schema path config settings',
    line: 'key value origin',
  },
  { words: 'doctor', schema: 'forkloop.doctor/1', keys: 'schema ok checks', line: CHECK },
  { words: 'version', schema: 'forkloop.version/1', keys: 'schema version node', line: null },
];

/** Commands that do something, or print what is no report of ours (a script, a JSON Schema). */
export const OTHER_COMMANDS: readonly string[] = [
  'start',
  'stop',
  'restart',
  'reload',
  'scale',
  'quiet',
  'logs reopen',
  'enqueue',
  'worker restart',
  'job wait',
  'job retry',
  'job delete',
  'queue purge',
  'queue pause',
  'queue resume',
  'schedule run',
  'config schema',
  'completion',
];

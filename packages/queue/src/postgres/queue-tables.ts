/**
 * The tables.
 *
 *     queues     a row for each queue: paused, its rate's schedule, its totals
 *     jobs       jobs that live: held, delayed, ready, active. What has ended is not here
 *     ended      jobs that have ended and are kept: done, dead, cancelled
 *     lanes      a row for each key that has living jobs: whose turn it is (claim-functions)
 *     notes      "look at this key again", left by whoever changes a job that has a key
 *     tally      how many were added and ended, a row for each statement; folded into `queues`
 *     unheard    jobs that were given up by a claim, until a sweep tells of them
 *     revoked    leases of cancelled jobs, so that their holders hear of it
 *     watchers   queues of which somebody waits for the end of jobs, and until when
 *     schedules  the last tick of each schedule
 *     children   what parents wait for, and what has become of it
 *     relays     who forwards a queue's jobs to another driver
 *
 * `jobs` stays small, whatever has gone through it. Its row has all that a claim needs, so that a claim
 * is one update, and no index but those of the state that is left and the state that is entered have
 * anything to do with it: each is partial. Rows die as fast as jobs are done, so the table is vacuumed
 * by their number and not by the share of the whole, and without pauses.
 *
 * Two numbers order jobs. `number` is that of the adding and stays. `turn` is given when a job gets
 * ready, and again when it gets so again: those without a key go by it, and it only grows, so that a
 * claim need not pass over what earlier claims have left behind in the index.
 */

export function queueTables(schema: string): string {
  return `
CREATE SEQUENCE ${schema}.numbers;

CREATE TABLE ${schema}.queues (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  paused boolean NOT NULL DEFAULT false,
  rate_due timestamptz NOT NULL DEFAULT '-infinity',
  added bigint NOT NULL DEFAULT 0,
  ended bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE ${schema}.jobs (
  queue_id int NOT NULL,
  id text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  turn bigint NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('held', 'delayed', 'ready', 'active')),
  name text NOT NULL,
  body text NOT NULL,
  headers text,
  priority int NOT NULL,
  attempts int NOT NULL,
  max_attempts int NOT NULL,
  key text COLLATE "C",
  dedup text COLLATE "C",
  dedup_ms float8,
  dedup_until timestamptz,
  parent_queue text,
  parent_id text,
  added_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  lease text COLLATE "C",
  lease_until timestamptz,
  child_dead text,
  delay_ms float8,
  progress text,
  history jsonb,
  PRIMARY KEY (queue_id, id)
) WITH (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_scale_factor = 0.1,
  autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX jobs_ready ON ${schema}.jobs (queue_id, priority DESC, turn)
  WHERE state = 'ready' AND key IS NULL;
CREATE INDEX jobs_delayed ON ${schema}.jobs (queue_id, due_at) WHERE state = 'delayed';
CREATE INDEX jobs_active ON ${schema}.jobs (queue_id, lease_until) WHERE state = 'active';
CREATE INDEX jobs_lane ON ${schema}.jobs (queue_id, key, number)
  WHERE state = 'ready' AND key IS NOT NULL;
CREATE INDEX jobs_lane_active ON ${schema}.jobs (queue_id, key)
  WHERE state = 'active' AND key IS NOT NULL;
CREATE UNIQUE INDEX jobs_dedup ON ${schema}.jobs (queue_id, dedup) WHERE dedup IS NOT NULL;

CREATE TABLE ${schema}.ended (
  LIKE ${schema}.jobs INCLUDING DEFAULTS,
  reason text,
  result text,
  ended_at timestamptz NOT NULL,
  ended_number bigint NOT NULL,
  PRIMARY KEY (queue_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE UNIQUE INDEX ended_order ON ${schema}.ended (queue_id, state, ended_number);

CREATE TABLE ${schema}.lanes (
  queue_id int NOT NULL,
  key text COLLATE "C" NOT NULL,
  priority int NOT NULL DEFAULT 0,
  turn bigint,
  due_at timestamptz,
  next_start timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (queue_id, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX lanes_turn ON ${schema}.lanes (queue_id, priority DESC, turn) WHERE turn IS NOT NULL;
CREATE INDEX lanes_due ON ${schema}.lanes (queue_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE ${schema}.notes (queue_id int NOT NULL, key text COLLATE "C" NOT NULL, turn bigint)
  WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX notes_queue ON ${schema}.notes (queue_id);

CREATE TABLE ${schema}.tally (queue_id int NOT NULL, added int NOT NULL, ended int NOT NULL)
  WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE ${schema}.unheard (
  queue_id int NOT NULL, id text NOT NULL, name text NOT NULL, attempts int NOT NULL,
  parent_queue text, parent_id text
);
CREATE TABLE ${schema}.revoked (
  lease text COLLATE "C" PRIMARY KEY, until timestamptz NOT NULL
);
CREATE TABLE ${schema}.watchers (queue_id int PRIMARY KEY, until timestamptz NOT NULL);

CREATE TABLE ${schema}.schedules (
  queue_id int NOT NULL, name text NOT NULL, last_tick float8 NOT NULL,
  PRIMARY KEY (queue_id, name)
);

CREATE TABLE ${schema}.children (
  queue_id int NOT NULL, parent_id text COLLATE "C" NOT NULL,
  child_queue text NOT NULL, child_id text NOT NULL,
  position int, kind text, result text, reason text,
  since timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (queue_id, parent_id, child_queue, child_id)
);
CREATE INDEX children_since ON ${schema}.children (queue_id, since);

CREATE TABLE ${schema}.relays (
  queue text PRIMARY KEY, owner text NOT NULL, until timestamptz NOT NULL
);
`;
}

/** How functions are planned: by the indexes, however few rows the statistics tell of. */
export const PLANNED_BY_INDEX = `
  SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off
  SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off
  SET plan_cache_mode = force_generic_plan SET jit = off`;

/**
 * What people do to jobs, schedules and parents.
 *
 *     cancel(queue, id, keep)          whether there was one that had not ended
 *     redrive(queue, ids, limit)       how many of the dead are ready again
 *     purge(queue, states, limit)      how many were deleted, at most `limit`
 *     fire(queue, schedule, tick, …)   "early" with the milliseconds until it, "already", "fired"
 *     hold(queue, parent, children)    after `add_jobs` of the parent, in the same statement's function
 *     report(queue, parent, child, …)  what a child has become
 *
 * **A parent and its children's reports** may come in any order and at the same time. Both write the
 * row of the child in `children`, whose key is unique: the second waits until the first has committed,
 * and looks afterwards. Reports of two children both lock the parent before they look.
 */

import { SHOWN_STATE } from "./job-rows.ts";
import { PLANNED_BY_INDEX } from "./queue-tables.ts";

const LIVING = `queue_id, id, number, turn, name, body, headers, priority, max_attempts, key,
  parent_queue, parent_id, added_at, child_dead, delay_ms, progress, history`;

export function powerFunctions(schema: string): string {
  return `
CREATE FUNCTION ${schema}.cancel(p_queue text, p_id text, p_keep boolean) RETURNS boolean
LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
DECLARE
  v_queue int := ${schema}.queue_id(p_queue);
  v_job record;
BEGIN
  SELECT lease, lease_until INTO v_job FROM ${schema}.jobs
   WHERE queue_id = v_queue AND id = p_id FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  IF v_job.lease IS NOT NULL THEN
    INSERT INTO ${schema}.revoked VALUES (v_job.lease || ':' || p_id, v_job.lease_until)
    ON CONFLICT DO NOTHING;
  END IF;
  PERFORM ${schema}.finish(v_queue, ARRAY[p_id], 'cancelled', NULL, NULL, p_keep);
  RETURN true;
END $$;

CREATE FUNCTION ${schema}.redrive(p_queue text, p_ids text[], p_limit int) RETURNS int
LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
DECLARE
  v_queue int := ${schema}.queue_id(p_queue);
  v_now timestamptz := clock_timestamp();
  v_ids text[];
  v_keys text[];
  v_count int;
BEGIN
  IF p_ids IS NOT NULL THEN
    SELECT array_agg(d.id ORDER BY d.ended_number) INTO v_ids FROM (
      SELECT id, ended_number FROM ${schema}.ended
       WHERE queue_id = v_queue AND state = 'dead' AND id = ANY (p_ids) FOR UPDATE SKIP LOCKED) AS d;
  ELSE
    SELECT array_agg(d.id ORDER BY d.ended_number) INTO v_ids FROM (
      SELECT id, ended_number FROM ${schema}.ended WHERE queue_id = v_queue AND state = 'dead'
       ORDER BY ended_number LIMIT p_limit FOR UPDATE SKIP LOCKED) AS d;
  END IF;
  IF v_ids IS NULL THEN RETURN 0; END IF;
  WITH back AS (
    DELETE FROM ${schema}.ended WHERE queue_id = v_queue AND id = ANY (v_ids) RETURNING *
  ), ordered AS (
    SELECT b.*, nextval('${schema}.numbers') AS new_turn
      FROM (SELECT * FROM back ORDER BY ended_number) AS b
  ), added AS (
    INSERT INTO ${schema}.jobs (${LIVING}, state, attempts, due_at, dedup, dedup_ms, dedup_until)
    SELECT ${LIVING.replace("turn,", "new_turn,")}, 'ready', 0, v_now,
           -- The key is its own again, if nobody has it, and for the first of several.
           CASE WHEN NOT EXISTS (SELECT 1 FROM ${schema}.jobs j WHERE j.queue_id = v_queue
                                    AND j.dedup = o.dedup AND j.id <> o.id)
                 AND row_number() OVER (PARTITION BY o.dedup ORDER BY o.ended_number) = 1
                THEN o.dedup END,
           o.dedup_ms, v_now + o.dedup_ms * interval '1 ms'
      FROM ordered o ORDER BY o.ended_number
    ON CONFLICT (queue_id, id) DO NOTHING RETURNING key
  )
  SELECT array_agg(key) FILTER (WHERE key IS NOT NULL), count(*) INTO v_keys, v_count FROM added;
  IF v_keys IS NOT NULL THEN PERFORM ${schema}.leave_notes(v_queue, v_keys); END IF;
  RETURN v_count;
END $$;

CREATE FUNCTION ${schema}.purge(p_queue text, p_states text[], p_limit int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  v_queue int := ${schema}.queue_id(p_queue);
  v_keys text[];
  v_living int;
  v_ended int;
BEGIN
  WITH gone AS (
    DELETE FROM ${schema}.jobs WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${schema}.jobs
       WHERE queue_id = v_queue AND state <> 'active' AND (${SHOWN_STATE}) = ANY (p_states)
       LIMIT p_limit FOR UPDATE SKIP LOCKED)) RETURNING key)
  SELECT array_agg(key) FILTER (WHERE key IS NOT NULL), count(*) INTO v_keys, v_living FROM gone;
  IF v_keys IS NOT NULL THEN PERFORM ${schema}.leave_notes(v_queue, v_keys); END IF;
  DELETE FROM ${schema}.ended WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ${schema}.ended WHERE queue_id = v_queue AND state = ANY (p_states)
     LIMIT p_limit FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS v_ended = ROW_COUNT;
  RETURN v_living + v_ended;
END $$;

CREATE FUNCTION ${schema}.begin_schedule(p_queue text, p_schedule text)
RETURNS TABLE (last float8, now float8) LANGUAGE plpgsql AS $$
DECLARE
  v_queue int := ${schema}.queue_id(p_queue);
BEGIN
  now := floor(extract(epoch FROM clock_timestamp())::float8 * 1000);
  INSERT INTO ${schema}.schedules VALUES (v_queue, p_schedule, now) ON CONFLICT DO NOTHING;
  SELECT s.last_tick INTO last FROM ${schema}.schedules s
   WHERE s.queue_id = v_queue AND s.name = p_schedule;
  RETURN NEXT;
END $$;

-- True: it is this call's to fire. The job is added by the same statement, or not at all.
CREATE FUNCTION ${schema}.take_tick(p_queue text, p_schedule text, p_tick float8)
RETURNS TABLE (outcome text, inms float8) LANGUAGE plpgsql AS $$
DECLARE
  v_queue int := ${schema}.queue_id(p_queue);
BEGIN
  inms := p_tick - extract(epoch FROM clock_timestamp())::float8 * 1000;
  IF inms > 0 THEN
    outcome := 'early';
  ELSE
    INSERT INTO ${schema}.schedules AS s VALUES (v_queue, p_schedule, p_tick)
    ON CONFLICT (queue_id, name) DO UPDATE SET last_tick = excluded.last_tick
      WHERE s.last_tick < excluded.last_tick;
    outcome := CASE WHEN FOUND THEN 'fired' ELSE 'already' END;
  END IF;
  RETURN NEXT;
END $$;

CREATE FUNCTION ${schema}.look_at_parent(p_queue int, p_parent text, p_keep_dead boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_job record;
  v_seen record;
  v_now timestamptz := clock_timestamp();
BEGIN
  SELECT * INTO v_job FROM ${schema}.jobs
   WHERE queue_id = p_queue AND id = p_parent AND state = 'held' FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT count(*) FILTER (WHERE kind IS NULL) AS open, count(*) FILTER (WHERE kind = 'dead') AS dead
    INTO v_seen FROM ${schema}.children
   WHERE queue_id = p_queue AND parent_id = p_parent AND position IS NOT NULL;
  IF v_seen.dead > 0 AND v_job.child_dead = 'fail' THEN
    PERFORM ${schema}.finish(p_queue, ARRAY[p_parent], 'dead', 'child-dead', NULL, p_keep_dead);
    RETURN false;
  END IF;
  IF v_seen.open > 0 THEN RETURN false; END IF;
  UPDATE ${schema}.jobs SET turn = nextval('${schema}.numbers'),
         state = CASE WHEN coalesce(delay_ms, 0) > 0 THEN 'delayed' ELSE 'ready' END,
         due_at = v_now + coalesce(delay_ms, 0) * interval '1 ms'
   WHERE queue_id = p_queue AND id = p_parent;
  IF v_job.key IS NOT NULL AND coalesce(v_job.delay_ms, 0) <= 0 THEN
    PERFORM ${schema}.leave_notes(p_queue, ARRAY[v_job.key]);
  END IF;
  RETURN true;
END $$;

CREATE FUNCTION ${schema}.hold(
  p_queue text, p_parent text, p_queues text[], p_ids text[], p_keep_dead boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_queue int := ${schema}.queue_id(p_queue);
BEGIN
  INSERT INTO ${schema}.children AS c (queue_id, parent_id, child_queue, child_id, position)
  SELECT v_queue, p_parent, u.queue, u.id, min(u.at)
    FROM unnest(p_queues, p_ids) WITH ORDINALITY AS u(queue, id, at)
   GROUP BY u.queue, u.id ORDER BY u.queue, u.id
  ON CONFLICT (queue_id, parent_id, child_queue, child_id) DO UPDATE SET position = excluded.position;
  RETURN ${schema}.look_at_parent(v_queue, p_parent, p_keep_dead);
END $$;

CREATE FUNCTION ${schema}.report(
  p_queue text, p_parent text, p_child_queue text, p_child text, p_kind text, p_result text,
  p_reason text, p_keep_dead boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_queue int := ${schema}.queue_id(p_queue);
BEGIN
  INSERT INTO ${schema}.children AS c
    (queue_id, parent_id, child_queue, child_id, kind, result, reason)
  VALUES (v_queue, p_parent, p_child_queue, p_child, p_kind, p_result, p_reason)
  ON CONFLICT (queue_id, parent_id, child_queue, child_id) DO UPDATE
    SET kind = excluded.kind, result = excluded.result, reason = excluded.reason
    WHERE c.kind IS NULL;
  RETURN ${schema}.look_at_parent(v_queue, p_parent, p_keep_dead);
END $$;

-- Whether this one forwards the queue's jobs for so long.
CREATE FUNCTION ${schema}.take_relay(p_queue text, p_owner text, p_ms float8) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.relays AS r VALUES (p_queue, p_owner, clock_timestamp() + p_ms * interval '1 ms')
  ON CONFLICT (queue) DO UPDATE SET owner = excluded.owner, until = excluded.until
    WHERE r.owner = excluded.owner OR r.until <= clock_timestamp();
  RETURN FOUND;
END $$;
`;
}

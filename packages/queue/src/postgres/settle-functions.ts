/**
 * How attempts end, and jobs.
 *
 *     finish(queue, ids, state, reason, results, keep)   ends jobs, which the caller has locked
 *     settle(queue, done, leases, …)    one row: "lease:id" of what was lost, whether anybody waits
 *                                       for ends, and whether others should look for jobs
 *     extend(queue, ids, leases, ms)    rows: place, state
 *     sweep(queue, …)                   rows: what was given up; last one without an id: how many recovered
 *
 * What is done and not kept is deleted by one statement for all of a lease: what was claimed in one call
 * has the same, so these are one or two (`p_counts` says how many of `p_done` each has). The others, which are few or fail, go
 * one by one. `lease` is the last part of the token: who does not have it changes nothing. It is there
 * while a job is active and at no other time, so it is asked for alone: with the state in the condition
 * the planner might go through the index of all that is active.
 *
 * `extend` does not wait for a lock. A job that is just being completed by a transaction of the
 * application's is locked by it, and stays its holder's: no sweep takes what is locked.
 *
 * In a transaction (`p_strict`) a lost lease is an error, of SQLSTATE HR001: the effects of the handler
 * that are in the same transaction must not be committed without it.
 */

import { PLANNED_BY_INDEX } from "./queue-tables.ts";

/** Of a transaction whose lease was lost. */
export const LEASE_LOST_STATE = "HR001";

const COLUMNS = `queue_id, id, number, turn, name, body, headers, priority, attempts, max_attempts,
  key, dedup, dedup_ms, parent_queue, parent_id, added_at, due_at, child_dead, delay_ms, progress,
  history`;

export function settleFunctions(schema: string): string {
  return `
CREATE FUNCTION ${schema}.finish(
  p_queue int, p_ids text[], p_state text, p_reason text, p_results text[], p_keep boolean
) RETURNS void LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
DECLARE
  v_keys text[];
  v_count int;
BEGIN
  IF p_keep THEN
    WITH gone AS (
      DELETE FROM ${schema}.jobs WHERE queue_id = p_queue AND id = ANY (p_ids) RETURNING *
    ), kept AS (
      INSERT INTO ${schema}.ended (${COLUMNS}, state, reason, result, ended_at, ended_number)
      SELECT ${COLUMNS}, p_state, p_reason, p_results[array_position(p_ids, id)],
             clock_timestamp(), nextval('${schema}.numbers') FROM gone
    )
    SELECT array_agg(key) FILTER (WHERE key IS NOT NULL), count(*) INTO v_keys, v_count FROM gone;
  ELSE
    WITH gone AS (
      DELETE FROM ${schema}.jobs WHERE queue_id = p_queue AND id = ANY (p_ids) RETURNING key)
    SELECT array_agg(key) FILTER (WHERE key IS NOT NULL), count(*) INTO v_keys, v_count FROM gone;
  END IF;
  IF v_keys IS NOT NULL THEN PERFORM ${schema}.leave_notes(p_queue, v_keys); END IF;
  IF v_count > 0 THEN INSERT INTO ${schema}.tally VALUES (p_queue, 0, v_count); END IF;
END $$;

CREATE FUNCTION ${schema}.settle(
  p_queue text, p_done text[], p_leases text[], p_counts int[], p_results text[], p_others jsonb,
  p_keep_done boolean, p_keep_dead boolean, p_strict boolean
) RETURNS TABLE (lost text[], watched boolean, again boolean) LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
#variable_conflict use_column
DECLARE
  v_queue int := ${schema}.queue_id(p_queue);
  v_to int := 0;
  v_shown text[];
  v_ids text[];
  v_keys text[];
  v_results text[];
  v_ended int := 0;
  v_now timestamptz := clock_timestamp();
  v_other record;
  v_job record;
BEGIN
  again := false;
  FOR v_group IN 1 .. coalesce(cardinality(p_leases), 0) LOOP
    v_shown := p_done[v_to + 1 : v_to + p_counts[v_group]];
    v_to := v_to + p_counts[v_group];
    IF p_keep_done THEN
      SELECT array_agg(s.id),
             array_agg(p_results[v_to - cardinality(v_shown) + array_position(v_shown, s.id)])
        INTO v_ids, v_results FROM (
        SELECT j.id FROM ${schema}.jobs j WHERE j.queue_id = v_queue AND j.id = ANY (v_shown)
           AND j.lease = p_leases[v_group] FOR UPDATE) AS s;
      IF v_ids IS NOT NULL THEN
        PERFORM ${schema}.finish(v_queue, v_ids, 'done', NULL, v_results, true);
      END IF;
    ELSE
      WITH gone AS (
        DELETE FROM ${schema}.jobs j WHERE j.queue_id = v_queue AND j.id = ANY (v_shown)
           AND j.lease = p_leases[v_group] RETURNING j.id, j.key)
      SELECT array_agg(id), array_agg(key) FILTER (WHERE key IS NOT NULL) INTO v_ids, v_keys FROM gone;
      IF v_keys IS NOT NULL THEN
        PERFORM ${schema}.leave_notes(v_queue, v_keys);
        again := true;
      END IF;
      v_ended := v_ended + coalesce(cardinality(v_ids), 0);
    END IF;
    IF coalesce(cardinality(v_ids), 0) < cardinality(v_shown) THEN
      SELECT lost || array_agg(p_leases[v_group] || ':' || u.id) INTO lost FROM unnest(v_shown) AS u(id)
       WHERE u.id <> ALL (coalesce(v_ids, '{}'));
    END IF;
  END LOOP;
  IF v_ended > 0 THEN INSERT INTO ${schema}.tally VALUES (v_queue, 0, v_ended); END IF;

  FOR v_other IN
    SELECT o.value ->> 'id' AS id, o.value ->> 'lease' AS lease, o.value ->> 'kind' AS kind,
           (o.value ->> 'delayMs')::float8 AS delay, o.value ->> 'reason' AS reason,
           o.value -> 'failure' AS failure
      FROM jsonb_array_elements(p_others) WITH ORDINALITY AS o(value, at) ORDER BY o.at
  LOOP
    SELECT j.id, j.key, j.attempts, j.history INTO v_job FROM ${schema}.jobs j
     WHERE j.queue_id = v_queue AND j.id = v_other.id AND j.lease = v_other.lease FOR UPDATE;
    IF NOT FOUND THEN
      lost := array_append(lost, v_other.lease || ':' || v_other.id);
      CONTINUE;
    END IF;
    IF v_other.failure IS NOT NULL THEN
      v_job.history := coalesce(v_job.history, '[]') || jsonb_build_array(v_other.failure
        || jsonb_build_object('attempt', v_job.attempts,
             'atMs', round(extract(epoch FROM v_now) * 1000)));
      IF jsonb_array_length(v_job.history) > 10 THEN v_job.history := v_job.history - 0; END IF;
    END IF;
    IF v_other.kind = 'dead' THEN
      UPDATE ${schema}.jobs j SET history = v_job.history WHERE j.queue_id = v_queue AND j.id = v_job.id;
      PERFORM ${schema}.finish(v_queue, ARRAY[v_job.id], 'dead', v_other.reason, NULL, p_keep_dead);
    ELSE
      again := again OR v_other.delay <= 0;
      -- Of a key it stays the first, and holds up the others until it is due.
      UPDATE ${schema}.jobs j SET
        state = CASE WHEN v_other.delay > 0 AND v_job.key IS NULL THEN 'delayed' ELSE 'ready' END,
        turn = nextval('${schema}.numbers'),
        attempts = j.attempts - CASE WHEN v_other.kind = 'release' THEN 1 ELSE 0 END,
        due_at = v_now + v_other.delay * interval '1 ms',
        lease = NULL, lease_until = NULL, history = v_job.history
       WHERE j.queue_id = v_queue AND j.id = v_job.id;
      IF v_job.key IS NOT NULL THEN PERFORM ${schema}.leave_notes(v_queue, ARRAY[v_job.key]); END IF;
    END IF;
  END LOOP;

  IF p_strict AND lost IS NOT NULL THEN
    RAISE EXCEPTION 'the lease of the job is lost' USING ERRCODE = '${LEASE_LOST_STATE}';
  END IF;
  watched := EXISTS (SELECT 1 FROM ${schema}.watchers w WHERE w.queue_id = v_queue AND w.until > v_now);
  RETURN NEXT;
END $$;

CREATE FUNCTION ${schema}.extend(p_queue text, p_ids text[], p_leases text[], p_ms float8)
RETURNS TABLE (place int, state text) LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
#variable_conflict use_column
DECLARE
  v_queue int := ${schema}.queue_id(p_queue);
  v_ids text[];
BEGIN
  SELECT array_agg(s.id) INTO v_ids FROM (
    SELECT j.id FROM ${schema}.jobs j WHERE j.queue_id = v_queue AND j.id = ANY (p_ids)
       AND j.lease = ANY (p_leases) FOR UPDATE SKIP LOCKED) AS s;
  UPDATE ${schema}.jobs j SET lease_until = clock_timestamp() + p_ms * interval '1 ms'
   WHERE j.queue_id = v_queue AND j.id = ANY (v_ids)
     AND EXISTS (SELECT 1 FROM unnest(p_ids, p_leases) AS u(id, lease)
                  WHERE u.id = j.id AND u.lease = j.lease);
  RETURN QUERY
  SELECT u.at::int, CASE
      WHEN EXISTS (SELECT 1 FROM ${schema}.jobs j WHERE j.queue_id = v_queue AND j.id = u.id
                      AND j.lease = u.lease) THEN 'extended'
      WHEN EXISTS (SELECT 1 FROM ${schema}.revoked r WHERE r.lease = u.lease || ':' || u.id)
        THEN 'cancelled'
      ELSE 'lost' END
    FROM unnest(p_ids, p_leases) WITH ORDINALITY AS u(id, lease, at) ORDER BY u.at;
END $$;

CREATE FUNCTION ${schema}.drop_excess(
  p_queue int, p_state text, p_ms float8, p_count bigint
) RETURNS void LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
DECLARE
  v_last bigint;
BEGIN
  SELECT ended_number INTO v_last FROM ${schema}.ended
   WHERE queue_id = p_queue AND state = p_state ORDER BY ended_number DESC OFFSET p_count LIMIT 1;
  DELETE FROM ${schema}.ended WHERE ctid = ANY (ARRAY(
    SELECT e.ctid FROM ${schema}.ended e WHERE e.queue_id = p_queue AND e.state = p_state
       AND (e.ended_number <= v_last OR e.ended_at <= clock_timestamp() - p_ms * interval '1 ms')
     ORDER BY e.ended_number LIMIT 20000 FOR UPDATE SKIP LOCKED));
END $$;

CREATE FUNCTION ${schema}.sweep(
  p_queue text, p_done_ms float8, p_done_count bigint, p_dead_ms float8, p_dead_count bigint
) RETURNS TABLE (id text, name text, attempts int, parentqueue text, parentid text, recovered int)
LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
#variable_conflict use_column
DECLARE
  v_queue int := ${schema}.queue_id(p_queue);
  v_recovered int;
  v_now timestamptz := clock_timestamp();
BEGIN
  v_recovered := ${schema}.recover(v_queue, p_dead_ms > 0 AND p_dead_count > 0);
  RETURN QUERY
  WITH told AS (
    DELETE FROM ${schema}.unheard u WHERE u.ctid = ANY (ARRAY(
      SELECT n.ctid FROM ${schema}.unheard n WHERE n.queue_id = v_queue LIMIT 1000 FOR UPDATE SKIP LOCKED))
    RETURNING u.*)
  SELECT t.id, t.name, t.attempts, t.parent_queue, t.parent_id, NULL::int FROM told t;
  PERFORM ${schema}.drop_excess(v_queue, 'done', p_done_ms, p_done_count);
  PERFORM ${schema}.drop_excess(v_queue, 'cancelled', p_done_ms, p_done_count);
  PERFORM ${schema}.drop_excess(v_queue, 'dead', p_dead_ms, p_dead_count);
  DELETE FROM ${schema}.revoked r WHERE r.until <= v_now;
  WITH folded AS (
    DELETE FROM ${schema}.tally t WHERE t.ctid = ANY (ARRAY(
      SELECT n.ctid FROM ${schema}.tally n WHERE n.queue_id = v_queue LIMIT 20000 FOR UPDATE SKIP LOCKED))
    RETURNING t.added, t.ended
  ), total AS (SELECT sum(f.added) AS added, sum(f.ended) AS ended FROM folded f)
  UPDATE ${schema}.queues q SET added = q.added + t.added, ended = q.ended + t.ended
    FROM total t WHERE q.id = v_queue AND t.added IS NOT NULL;
  DELETE FROM ${schema}.children c WHERE c.ctid = ANY (ARRAY(
    SELECT o.ctid FROM ${schema}.children o
     WHERE o.queue_id = v_queue AND o.since < v_now - interval '1 day'
       AND NOT EXISTS (SELECT 1 FROM ${schema}.jobs j WHERE j.queue_id = v_queue AND j.id = o.parent_id)
       AND NOT EXISTS (SELECT 1 FROM ${schema}.ended e WHERE e.queue_id = v_queue AND e.id = o.parent_id)
     ORDER BY o.since LIMIT 1000 FOR UPDATE SKIP LOCKED));
  recovered := v_recovered;
  RETURN NEXT;
END $$;
`;
}

/**
 * Whose turn it is, and taking it.
 *
 * A job without a key has a turn of its own: the partial index `jobs_ready` is the line in which they
 * stand. Jobs with a key stand in the line of their key, and the key, its *lane*, has the turn; a new
 * one behind all others for each job that it lets go, which is what makes it fair. A lane has
 *
 *     turn      it has a job that may start
 *     due_at    it will have: its first job is a retry that is still to come, or its rate says so
 *     neither   as many as may are in flight, or nothing waits
 *
 * **Only who holds the lock on a lane's row starts jobs of its key**, and what it knows of the key it
 * reads after it has got the lock, with a statement of its own: in READ COMMITTED, to which all this
 * is written, that statement sees all that earlier holders have done. What changes a key's jobs in any
 * other way (adding, settling, cancelling) takes no such lock, and so never waits: it leaves a note
 * in the same transaction. A claim takes the notes of lanes that it can lock and looks at these lanes
 * anew; the notes of the others stay for the next. So the truth is in `jobs`, a lane is only what was
 * last known of it, and no counter can go wrong.
 *
 *     recover(queue, keep_dead)      leases that have expired: back in line, or dead
 *     promote(queue)                 delayed jobs that are due: ready
 *     place_lanes(queue, keys, …)    looks at lanes that the caller has locked
 *     open_lanes(queue, …)           takes notes, and wakes lanes that are due
 *     claim(queue, limit, …)         jobs, then one row without an id that says when the next is due
 *
 * A queue with limits is claimed from by one at a time: its row in `queues` is locked, and what is in
 * flight is counted afterwards. The rate is GCRA (ITU-T I.371), as in `memory/start-rate`.
 *
 * Claims follow each other while jobs wait. `p_floor` lets each begin in the index where the last has
 * found its first job, since before it there is nothing but what vacuum has not yet taken away; what
 * a transaction has added with an older turn, and what is due or expired (`p_upkeep`), is looked for
 * when there are not enough, and from time to time.
 */

import { PLANNED_BY_INDEX } from "./queue-tables.ts";

export function claimFunctions(schema: string): string {
  return `
CREATE FUNCTION ${schema}.leave_notes(p_queue int, p_keys text[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO ${schema}.notes (queue_id, key, turn)
  SELECT p_queue, k.key, nextval('${schema}.numbers')
    FROM (SELECT DISTINCT key FROM unnest(p_keys) AS u(key) WHERE key IS NOT NULL) AS k
$$;

CREATE FUNCTION ${schema}.recover(p_queue int, p_keep_dead boolean) RETURNS int
LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_back text[];
  v_gone text[];
  v_keys text[];
BEGIN
  SELECT array_agg(e.id) FILTER (WHERE e.attempts < e.max_attempts OR e.forwarded),
         array_agg(e.id) FILTER (WHERE e.attempts >= e.max_attempts AND NOT e.forwarded)
    INTO v_back, v_gone
    FROM (SELECT id, attempts, max_attempts, lease LIKE '~%' AS forwarded FROM ${schema}.jobs
           WHERE queue_id = p_queue AND state = 'active' AND lease_until <= v_now
           ORDER BY lease_until LIMIT 1000 FOR UPDATE SKIP LOCKED) AS e;
  IF v_back IS NOT NULL THEN
    WITH back AS (
      UPDATE ${schema}.jobs SET state = 'ready', due_at = v_now, lease = NULL, lease_until = NULL,
             -- What was to be forwarded keeps its place and its attempt.
             turn = CASE WHEN lease LIKE '~%' THEN turn ELSE nextval('${schema}.numbers') END,
             attempts = attempts - CASE WHEN lease LIKE '~%' THEN 1 ELSE 0 END
       WHERE queue_id = p_queue AND id = ANY (v_back) RETURNING key)
    SELECT array_agg(key) FILTER (WHERE key IS NOT NULL) INTO v_keys FROM back;
    PERFORM ${schema}.leave_notes(p_queue, v_keys);
  END IF;
  IF v_gone IS NOT NULL THEN
    INSERT INTO ${schema}.unheard
    SELECT queue_id, id, name, attempts, parent_queue, parent_id FROM ${schema}.jobs
     WHERE queue_id = p_queue AND id = ANY (v_gone);
    PERFORM ${schema}.finish(p_queue, v_gone, 'dead', 'lease-expired', NULL, p_keep_dead);
  END IF;
  RETURN coalesce(cardinality(v_back), 0);
END $$;

CREATE FUNCTION ${schema}.promote(p_queue int) RETURNS void LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_keys text[];
BEGIN
  WITH due AS MATERIALIZED (
    SELECT ctid FROM ${schema}.jobs
     WHERE queue_id = p_queue AND state = 'delayed' AND due_at <= v_now
     ORDER BY due_at LIMIT 1000 FOR UPDATE SKIP LOCKED
  ), ready AS (
    UPDATE ${schema}.jobs j SET state = 'ready', turn = nextval('${schema}.numbers')
      FROM due WHERE j.ctid = due.ctid RETURNING j.key)
  SELECT array_agg(key) FILTER (WHERE key IS NOT NULL) INTO v_keys FROM ready;
  IF v_keys IS NOT NULL THEN PERFORM ${schema}.leave_notes(p_queue, v_keys); END IF;
END $$;

CREATE FUNCTION ${schema}.place_lanes(
  p_queue int, p_keys text[], p_turns bigint[], p_concurrency int
) RETURNS void LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  WITH seen AS MATERIALIZED (
    SELECT l.key, l.next_start, u.turn AS noted, l.turn AS had, f.number, f.due_at, f.priority,
           (SELECT count(*) FROM ${schema}.jobs a
             WHERE a.queue_id = p_queue AND a.key = l.key AND a.state = 'active') AS flying
      FROM unnest(p_keys, p_turns) AS u(key, turn)
      JOIN ${schema}.lanes l ON l.queue_id = p_queue AND l.key = u.key
      LEFT JOIN LATERAL (
        SELECT j.number, j.due_at, j.priority FROM ${schema}.jobs j
         WHERE j.queue_id = p_queue AND j.key = u.key AND j.state = 'ready'
         ORDER BY j.number LIMIT 1) AS f ON true
  ), gone AS (
    DELETE FROM ${schema}.lanes l USING seen s
     WHERE l.queue_id = p_queue AND l.key = s.key
       AND s.number IS NULL AND s.flying = 0 AND s.next_start <= v_now
  )
  UPDATE ${schema}.lanes l SET
    priority = coalesce(s.priority, 0),
    turn = CASE WHEN s.number IS NOT NULL AND s.flying < p_concurrency
                 AND greatest(s.due_at, s.next_start) <= v_now
                THEN coalesce(s.had, greatest(s.noted, s.number)) END,
    due_at = CASE WHEN s.number IS NULL THEN CASE WHEN s.flying = 0 THEN s.next_start END
                  WHEN s.flying < p_concurrency AND greatest(s.due_at, s.next_start) > v_now
                  THEN greatest(s.due_at, s.next_start) END
    FROM seen s
   WHERE l.queue_id = p_queue AND l.key = s.key
     AND NOT (s.number IS NULL AND s.flying = 0 AND s.next_start <= v_now);
END $$;

CREATE FUNCTION ${schema}.open_lanes(p_queue int, p_concurrency int) RETURNS void
LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_notes tid[];
  v_keys text[];
  v_turns bigint[];
BEGIN
  SELECT array_agg(n.ctid), array_agg(DISTINCT n.key) INTO v_notes, v_keys
    FROM (SELECT ctid, key FROM ${schema}.notes WHERE queue_id = p_queue
           LIMIT 1000 FOR UPDATE SKIP LOCKED) AS n;
  IF v_keys IS NOT NULL THEN
    INSERT INTO ${schema}.lanes (queue_id, key)
    SELECT p_queue, u.key FROM unnest(v_keys) AS u(key)
     WHERE NOT EXISTS (SELECT 1 FROM ${schema}.lanes l WHERE l.queue_id = p_queue AND l.key = u.key)
     ORDER BY u.key ON CONFLICT DO NOTHING;
    SELECT array_agg(l.key) INTO v_keys
      FROM (SELECT key FROM ${schema}.lanes WHERE queue_id = p_queue AND key = ANY (v_keys)
             FOR UPDATE SKIP LOCKED) AS l;
    WITH taken AS (
      DELETE FROM ${schema}.notes WHERE ctid = ANY (v_notes) AND key = ANY (v_keys)
      RETURNING key, turn)
    SELECT array_agg(t.key), array_agg(t.turn) INTO v_keys, v_turns
      FROM (SELECT key, min(turn) AS turn FROM taken GROUP BY key) AS t;
    PERFORM ${schema}.place_lanes(p_queue, v_keys, v_turns, p_concurrency);
  END IF;
  SELECT array_agg(l.key), array_agg(nextval('${schema}.numbers')) INTO v_keys, v_turns
    FROM (SELECT key FROM ${schema}.lanes WHERE queue_id = p_queue AND due_at <= v_now
           ORDER BY due_at LIMIT 1000 FOR UPDATE SKIP LOCKED) AS l;
  IF v_keys IS NOT NULL THEN
    PERFORM ${schema}.place_lanes(p_queue, v_keys, v_turns, p_concurrency);
  END IF;
END $$;

CREATE FUNCTION ${schema}.claim(
  p_queue text, p_limit int, p_lease_ms float8, p_lease text, p_floor bigint, p_upkeep boolean,
  p_concurrency int, p_rate_jobs float8, p_rate_ms float8, p_key_concurrency int, p_key_gap_ms float8,
  p_keep_dead boolean, p_after boolean
) RETURNS TABLE (
  id text, name text, body text, headers text, attempt int, attempts int, priority int, key text,
  dedup text, parentqueue text, parentid text, added float8, waited float8, turn bigint, next float8
) LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
#variable_conflict use_column
DECLARE
  v_queue int;
  v_paused boolean;
  v_rate_due timestamptz;
  v_left int := p_limit;
  v_before int;
  v_got int;
  v_allowed int;
  v_active int;
  v_free int;
  v_floor bigint := coalesce(p_floor, 0);
  v_upkeep boolean := p_upkeep;
  v_limited boolean := p_concurrency IS NOT NULL OR p_rate_jobs IS NOT NULL;
  v_lanes boolean;
  v_keys text[];
  v_turns bigint[];
  v_singles int;
  v_now timestamptz;
  v_next timestamptz;
BEGIN
  IF v_limited THEN
    PERFORM ${schema}.queue_id(p_queue);
    SELECT q.id, q.paused, q.rate_due INTO v_queue, v_paused, v_rate_due
      FROM ${schema}.queues q WHERE q.name = p_queue FOR NO KEY UPDATE;
  ELSE
    SELECT q.id, q.paused INTO v_queue, v_paused FROM ${schema}.queues q WHERE q.name = p_queue;
    IF v_queue IS NULL THEN v_queue := ${schema}.queue_id(p_queue); v_paused := false; END IF;
  END IF;
  v_upkeep := v_upkeep OR v_paused OR v_limited;
  IF v_upkeep THEN
    PERFORM ${schema}.recover(v_queue, p_keep_dead);
    PERFORM ${schema}.promote(v_queue);
  END IF;
  v_now := clock_timestamp();
  IF p_concurrency IS NOT NULL AND NOT v_paused THEN
    SELECT count(*) INTO v_active FROM (
      SELECT 1 FROM ${schema}.jobs j WHERE j.queue_id = v_queue AND j.state = 'active'
       LIMIT p_concurrency) AS flying;
    v_left := least(v_left, p_concurrency - v_active);
  END IF;
  IF v_paused OR v_left <= 0 THEN
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_rate_jobs IS NOT NULL THEN
    v_rate_due := greatest(v_rate_due, v_now);
    v_free := floor((p_rate_ms - date_part('epoch', v_rate_due - v_now) * 1000)
                    / (p_rate_ms / p_rate_jobs) + 1e-3);
    v_left := least(v_left, greatest(v_free, 0));
  END IF;
  v_allowed := v_left;

  LOOP
    EXIT WHEN v_left <= 0;
    v_before := v_left;
    v_lanes := EXISTS (SELECT 1 FROM ${schema}.notes WHERE queue_id = v_queue)
      OR EXISTS (SELECT 1 FROM ${schema}.lanes WHERE queue_id = v_queue AND turn IS NOT NULL)
      OR EXISTS (SELECT 1 FROM ${schema}.lanes WHERE queue_id = v_queue AND due_at <= v_now);
    v_keys := NULL;
    v_singles := v_left;
    IF v_lanes THEN
      PERFORM ${schema}.open_lanes(v_queue, p_key_concurrency);
      SELECT array_agg(c.key) FILTER (WHERE c.key IS NOT NULL), count(*) FILTER (WHERE c.key IS NULL)
        INTO v_keys, v_singles
        FROM ((SELECT l.key, l.priority, l.turn FROM ${schema}.lanes l
                WHERE l.queue_id = v_queue AND l.turn IS NOT NULL
                ORDER BY l.priority DESC, l.turn LIMIT v_left)
              UNION ALL
              (SELECT NULL, j.priority, j.turn FROM ${schema}.jobs j
                WHERE j.queue_id = v_queue AND j.state = 'ready' AND j.key IS NULL
                ORDER BY j.priority DESC, j.turn LIMIT v_left)
              ORDER BY 2 DESC, 3 LIMIT v_left) AS c;
      -- What was locked in between is another's; the rest may be, too: one more is asked for.
      IF v_keys IS NULL THEN v_singles := v_left; END IF;
    END IF;

    IF v_keys IS NOT NULL THEN
      SELECT array_agg(l.key), array_agg(l.turn) INTO v_keys, v_turns
        FROM (SELECT key, turn FROM ${schema}.lanes
               WHERE queue_id = v_queue AND key = ANY (v_keys) AND turn IS NOT NULL
               FOR UPDATE SKIP LOCKED) AS l;
    END IF;
    IF v_keys IS NOT NULL THEN
      v_now := clock_timestamp();
      RETURN QUERY
      WITH heads AS MATERIALIZED (
        SELECT f.ctid, u.turn FROM unnest(v_keys, v_turns) AS u(key, turn)
          CROSS JOIN LATERAL (
            SELECT j.ctid, j.due_at FROM ${schema}.jobs j
             WHERE j.queue_id = v_queue AND j.key = u.key AND j.state = 'ready'
             ORDER BY j.number LIMIT 1) AS f
         WHERE f.due_at <= v_now
           AND (SELECT count(*) FROM ${schema}.jobs a
                 WHERE a.queue_id = v_queue AND a.key = u.key AND a.state = 'active')
               < p_key_concurrency
      )
      UPDATE ${schema}.jobs j SET state = 'active', attempts = j.attempts + 1, lease = p_lease,
             lease_until = v_now + p_lease_ms * interval '1 ms'
        FROM heads h WHERE j.ctid = h.ctid AND j.state = 'ready'
      RETURNING j.id, j.name, j.body, j.headers, j.attempts, j.max_attempts, j.priority, j.key,
        j.dedup, j.parent_queue, j.parent_id, date_part('epoch', j.added_at) * 1000,
        date_part('epoch', v_now - j.due_at) * 1000, h.turn, NULL::float8;
      GET DIAGNOSTICS v_got = ROW_COUNT;
      v_left := v_left - v_got;
      UPDATE ${schema}.lanes l SET turn = NULL,
             next_start = CASE WHEN p_key_gap_ms IS NULL THEN l.next_start
                               ELSE v_now + p_key_gap_ms * interval '1 ms' END
       WHERE l.queue_id = v_queue AND l.key = ANY (v_keys);
      SELECT array_agg(nextval('${schema}.numbers')) INTO v_turns FROM unnest(v_keys);
      PERFORM ${schema}.place_lanes(v_queue, v_keys, v_turns, p_key_concurrency);
    END IF;

    IF v_singles > 0 AND v_left > 0 THEN
      RETURN QUERY
      WITH picked AS MATERIALIZED (
        SELECT j.ctid FROM ${schema}.jobs j
         WHERE j.queue_id = v_queue AND j.state = 'ready' AND j.key IS NULL AND j.priority > 0
         ORDER BY j.priority DESC, j.turn LIMIT least(v_singles, v_left) FOR UPDATE SKIP LOCKED
      )
      UPDATE ${schema}.jobs j SET state = 'active', attempts = j.attempts + 1, lease = p_lease,
             lease_until = v_now + p_lease_ms * interval '1 ms'
        FROM picked p WHERE j.ctid = p.ctid
      RETURNING j.id, j.name, j.body, j.headers, j.attempts, j.max_attempts, j.priority, NULL::text,
        j.dedup, j.parent_queue, j.parent_id, date_part('epoch', j.added_at) * 1000,
        date_part('epoch', v_now - j.due_at) * 1000, j.turn, NULL::float8;
      GET DIAGNOSTICS v_got = ROW_COUNT;
      v_left := v_left - v_got;
      v_singles := v_singles - v_got;
    END IF;
    IF v_singles > 0 AND v_left > 0 THEN
      RETURN QUERY
      WITH picked AS MATERIALIZED (
        SELECT j.ctid FROM ${schema}.jobs j
         WHERE j.queue_id = v_queue AND j.state = 'ready' AND j.key IS NULL AND j.priority = 0
           AND j.turn >= v_floor
         ORDER BY j.turn LIMIT least(v_singles, v_left) FOR UPDATE SKIP LOCKED
      )
      UPDATE ${schema}.jobs j SET state = 'active', attempts = j.attempts + 1, lease = p_lease,
             lease_until = v_now + p_lease_ms * interval '1 ms'
        FROM picked p WHERE j.ctid = p.ctid
      RETURNING j.id, j.name, j.body, j.headers, j.attempts, j.max_attempts, j.priority, NULL::text,
        j.dedup, j.parent_queue, j.parent_id, date_part('epoch', j.added_at) * 1000,
        date_part('epoch', v_now - j.due_at) * 1000, j.turn, NULL::float8;
      GET DIAGNOSTICS v_got = ROW_COUNT;
      v_left := v_left - v_got;
    END IF;

    EXIT WHEN v_left <= 0;
    IF NOT v_upkeep THEN
      v_upkeep := true;
      v_floor := 0;
      PERFORM ${schema}.recover(v_queue, p_keep_dead);
      PERFORM ${schema}.promote(v_queue);
      v_now := clock_timestamp();
    ELSE
      v_floor := 0;
      EXIT WHEN NOT v_lanes OR v_left = v_before;
    END IF;
  END LOOP;

  v_now := clock_timestamp();
  IF p_concurrency IS NULL OR v_active + v_allowed - v_left < p_concurrency THEN
    SELECT least(
      (SELECT j.due_at FROM ${schema}.jobs j WHERE j.queue_id = v_queue AND j.state = 'delayed'
        ORDER BY j.due_at LIMIT 1),
      (SELECT l.due_at FROM ${schema}.lanes l WHERE l.queue_id = v_queue AND l.due_at IS NOT NULL
        ORDER BY l.due_at LIMIT 1),
      -- Another's hand is on it: what he leaves nobody tells of.
      (SELECT v_now + interval '20 ms' FROM ${schema}.notes n WHERE n.queue_id = v_queue LIMIT 1)
    ) INTO v_next;
    IF p_rate_jobs IS NOT NULL THEN
      v_rate_due := v_rate_due + (v_allowed - v_left) * (p_rate_ms / p_rate_jobs) * interval '1 ms';
      UPDATE ${schema}.queues q SET rate_due = v_rate_due WHERE q.id = v_queue AND v_left < v_allowed;
      v_rate_due := v_rate_due + (p_rate_ms / p_rate_jobs - p_rate_ms) * interval '1 ms';
      IF v_rate_due > v_now AND (
        EXISTS (SELECT 1 FROM ${schema}.jobs j
                 WHERE j.queue_id = v_queue AND j.state = 'ready' AND j.key IS NULL)
        OR EXISTS (SELECT 1 FROM ${schema}.lanes l WHERE l.queue_id = v_queue AND l.turn IS NOT NULL))
      THEN
        v_next := least(v_next, v_rate_due);
      END IF;
    END IF;
  ELSIF p_rate_jobs IS NOT NULL THEN
    UPDATE ${schema}.queues q
       SET rate_due = v_rate_due + (v_allowed - v_left) * (p_rate_ms / p_rate_jobs) * interval '1 ms'
     WHERE q.id = v_queue;
  END IF;
  next := date_part('epoch', v_next - v_now) * 1000;
  IF next < 0 THEN next := 0; END IF;
  RETURN NEXT;
END $$;
`;
}

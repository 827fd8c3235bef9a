/**
 * Adding jobs.
 *
 *     queue_id(queue)       the number of a queue, which is made when it is not there
 *     add_jobs(queue, …)    a list for each field; null where all have nothing there.
 *                           Rows: place from 1, outcome, id, of those that were not just added
 *     enqueue(queue, name, body, …)   for people, triggers and other languages. Returns the id
 *     wake(queue)           tells the workers; after the commit, where a poll is too late
 *
 * Jobs that nothing can keep out are inserted with one statement. The others (a dedup key, an id that
 * may be there, a backlog with an end) go one by one in their order, so that each sees the one before.
 *
 * **An id that may be there.** It is inserted first, and looked for among the ended afterwards: the
 * other way round a job that ends in between is seen in neither place, and added a second time.
 *
 * **The backlog** is counted under a lock on the queue's row, by a statement that begins after the lock
 * was got; not in a transaction of the application's, which would hold the lock until its end: there
 * it may be passed by as many as transactions are open.
 *
 * Nothing here touches a lane: a transaction of the application's never holds up the work on a key.
 */

import { PLANNED_BY_INDEX } from "./queue-tables.ts";

export function enqueueFunctions(schema: string): string {
  return `
CREATE FUNCTION ${schema}.queue_id(p_queue text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  v_id int;
BEGIN
  SELECT id INTO v_id FROM ${schema}.queues WHERE name = p_queue;
  IF v_id IS NULL THEN
    INSERT INTO ${schema}.queues (name) VALUES (p_queue) ON CONFLICT DO NOTHING;
    SELECT id INTO v_id FROM ${schema}.queues WHERE name = p_queue;
  END IF;
  RETURN v_id;
END $$;

CREATE FUNCTION ${schema}.add_jobs(
  p_queue text, p_ids text[], p_names text[], p_bodies text[], p_headers text[],
  p_delays float8[], p_priorities int[], p_attempts int[], p_keys text[],
  p_dedups text[], p_windows float8[], p_parent_queues text[], p_parent_ids text[],
  p_may_exist boolean[], p_careful boolean, p_max_backlog int, p_lock boolean, p_child_dead text
) RETURNS TABLE (place int, outcome text, id text) LANGUAGE plpgsql ${PLANNED_BY_INDEX} AS $$
#variable_conflict use_column
DECLARE
  v_queue int := ${schema}.queue_id(p_queue);
  v_count int := cardinality(p_ids);
  v_added int := 0;
  v_backlog int;
  v_found text;
  v_number bigint;
  v_now timestamptz := clock_timestamp();
  v_job record;
BEGIN
  IF NOT p_careful THEN
    INSERT INTO ${schema}.jobs (queue_id, id, number, turn, state, name, body, headers, priority,
        attempts, max_attempts, key, parent_queue, parent_id, added_at, due_at)
    SELECT v_queue, n.id, n.number, n.number,
           CASE WHEN n.delay > 0 THEN 'delayed' ELSE 'ready' END, n.name, n.body, n.headers,
           coalesce(n.priority, 0), 0, n.attempts, n.key, n.parent_queue, n.parent_id, v_now,
           v_now + coalesce(n.delay, 0) * interval '1 ms'
      FROM (SELECT *, nextval('${schema}.numbers') AS number
              FROM unnest(p_ids, p_names, p_bodies, p_headers, p_delays, p_priorities, p_attempts,
                          p_keys, p_parent_queues, p_parent_ids)
                AS u(id, name, body, headers, delay, priority, attempts, key, parent_queue, parent_id)
           ) AS n;
    v_added := v_count;
    IF p_keys IS NOT NULL THEN
      INSERT INTO ${schema}.notes (queue_id, key)
      SELECT DISTINCT v_queue, u.key FROM unnest(p_keys, p_delays) AS u(key, delay)
       WHERE u.key IS NOT NULL AND coalesce(u.delay, 0) <= 0;
    END IF;
  ELSE
    IF p_max_backlog IS NOT NULL THEN
      IF p_lock THEN
        PERFORM 1 FROM ${schema}.queues q WHERE q.id = v_queue FOR NO KEY UPDATE;
      END IF;
      SELECT count(*) INTO v_backlog FROM (
        SELECT 1 FROM ${schema}.jobs j
         WHERE j.queue_id = v_queue AND j.state <> 'active' LIMIT p_max_backlog) AS waiting;
    END IF;
    FOR v_job IN
      SELECT * FROM unnest(p_ids, p_names, p_bodies, p_headers, p_delays, p_priorities, p_attempts,
                           p_keys, p_dedups, p_windows, p_parent_queues, p_parent_ids, p_may_exist)
        WITH ORDINALITY AS u(id, name, body, headers, delay, priority, attempts, key, dedup, windowed,
                             parent_queue, parent_id, may_exist, at) ORDER BY at
    LOOP
      IF v_job.dedup IS NOT NULL THEN
        UPDATE ${schema}.jobs j SET dedup = NULL
         WHERE j.queue_id = v_queue AND j.dedup = v_job.dedup AND j.dedup_until <= v_now;
      END IF;
      v_found := NULL;
      SELECT j.id INTO v_found FROM ${schema}.jobs j WHERE j.queue_id = v_queue AND j.id = v_job.id;
      IF v_found IS NULL AND v_job.may_exist THEN
        SELECT e.id INTO v_found FROM ${schema}.ended e
         WHERE e.queue_id = v_queue AND e.id = v_job.id;
      END IF;
      IF v_found IS NULL AND v_job.dedup IS NOT NULL THEN
        SELECT j.id INTO v_found FROM ${schema}.jobs j
         WHERE j.queue_id = v_queue AND j.dedup = v_job.dedup;
      END IF;
      IF v_found IS NULL AND v_backlog >= p_max_backlog THEN
        place := v_job.at; outcome := 'full'; id := NULL;
        RETURN NEXT;
        CONTINUE;
      END IF;
      IF v_found IS NULL THEN
        v_number := nextval('${schema}.numbers');
        INSERT INTO ${schema}.jobs (queue_id, id, number, turn, state, name, body, headers, priority,
            attempts, max_attempts, key, dedup, dedup_ms, dedup_until, parent_queue, parent_id,
            added_at, due_at, child_dead, delay_ms)
        VALUES (v_queue, v_job.id, v_number, v_number,
            CASE WHEN p_child_dead IS NOT NULL THEN 'held'
                 WHEN v_job.delay > 0 THEN 'delayed' ELSE 'ready' END,
            v_job.name, v_job.body, v_job.headers, coalesce(v_job.priority, 0), 0, v_job.attempts,
            v_job.key, v_job.dedup, v_job.windowed, v_now + v_job.windowed * interval '1 ms',
            v_job.parent_queue, v_job.parent_id, v_now,
            v_now + coalesce(v_job.delay, 0) * interval '1 ms', p_child_dead, v_job.delay)
        ON CONFLICT DO NOTHING RETURNING jobs.id INTO v_found;
        IF v_found IS NULL THEN
          -- Another one has come in between, and has committed: it is seen now, or is gone again.
          SELECT j.id INTO v_found FROM ${schema}.jobs j WHERE j.queue_id = v_queue
             AND (j.id = v_job.id OR j.dedup = v_job.dedup) LIMIT 1;
          v_found := coalesce(v_found, v_job.id);
        ELSIF v_job.may_exist AND EXISTS (
            SELECT 1 FROM ${schema}.ended e WHERE e.queue_id = v_queue AND e.id = v_job.id) THEN
          DELETE FROM ${schema}.jobs j WHERE j.queue_id = v_queue AND j.id = v_job.id;
        ELSE
          v_added := v_added + 1;
          v_backlog := v_backlog + 1;
          IF v_job.key IS NOT NULL AND coalesce(v_job.delay, 0) <= 0 AND p_child_dead IS NULL THEN
            INSERT INTO ${schema}.notes (queue_id, key) VALUES (v_queue, v_job.key);
          END IF;
          CONTINUE;
        END IF;
      END IF;
      place := v_job.at; outcome := 'duplicate'; id := v_found;
      RETURN NEXT;
    END LOOP;
  END IF;
  IF v_added > 0 THEN
    INSERT INTO ${schema}.tally VALUES (v_queue, v_added, 0);
  END IF;
END $$;

CREATE FUNCTION ${schema}.enqueue(
  queue text, name text, body jsonb, delay_ms float8 DEFAULT 0, priority int DEFAULT 0,
  key text DEFAULT NULL, dedup text DEFAULT NULL, max_attempts int DEFAULT 5,
  headers jsonb DEFAULT NULL, id text DEFAULT NULL
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_id text := coalesce(id, lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
                            || replace(gen_random_uuid()::text, '-', ''));
  v_found text;
BEGIN
  SELECT a.id INTO v_found FROM ${schema}.add_jobs(
    queue, ARRAY[v_id], ARRAY[name], ARRAY[body::text], ARRAY[headers::text], ARRAY[delay_ms],
    ARRAY[priority], ARRAY[max_attempts], ARRAY[key], ARRAY[dedup], NULL, NULL, NULL,
    ARRAY[id IS NOT NULL], dedup IS NOT NULL OR id IS NOT NULL, NULL, false, NULL) AS a;
  RETURN coalesce(v_found, v_id);
END $$;

CREATE FUNCTION ${schema}.wake(queue text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_notify('${schema.replaceAll('"', "")}', 'ready ' || queue || ' ')
$$;
`;
}

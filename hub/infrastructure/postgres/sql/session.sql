-- name: try_lock
SELECT pg_try_advisory_lock(%(kind)s, %(shard)s);

-- name: holder
SELECT l.pid, r.beat_at
FROM pg_locks l
CROSS JOIN (
    SELECT CASE WHEN %(writer)s THEN (SELECT beat_at FROM head) ELSE (SELECT beat_at FROM relay) END AS beat_at
) r
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid = %(kind)s::bigint::oid AND l.objid = %(shard)s::bigint::oid;

-- name: end_holder
SELECT pg_terminate_backend(l.pid)
FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.pid = %(pid)s
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid = %(kind)s::bigint::oid AND l.objid = %(shard)s::bigint::oid;

-- name: beat_writer
UPDATE head SET beat_at = clock_timestamp();

-- name: beat_relay
UPDATE relay SET beat_at = clock_timestamp();

-- name: alone_in_migrating
SELECT pg_advisory_xact_lock(hashtextextended('spojka migrations', 0));

-- name: create_schema
DO $$ BEGIN
    IF to_regnamespace(current_setting('search_path')) IS NULL THEN
        EXECUTE 'CREATE SCHEMA ' || quote_ident(current_setting('search_path'));
    END IF;
END $$;

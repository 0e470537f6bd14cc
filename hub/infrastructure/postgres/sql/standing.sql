-- name: standing
SELECT head.position,
       head.last_at,
       extract(epoch FROM clock_timestamp() - head.beat_at)::float8,
       relay.position,
       extract(epoch FROM clock_timestamp() - relay.beat_at)::float8,
       (SELECT count(*) FROM parked),
       (SELECT count(*) FROM dead_letter)
FROM head CROSS JOIN relay;

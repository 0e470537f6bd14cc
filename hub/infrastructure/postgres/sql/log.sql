-- name: advance
UPDATE head
SET position = position + %(count)s,
    last_at = greatest(last_at, coalesce(%(at)s::timestamptz, clock_timestamp())),
    beat_at = clock_timestamp()
WHERE epoch = coalesce(%(epoch)s::bigint, epoch)
RETURNING position, epoch, generation, last_at;

-- name: head
SELECT position, epoch, generation, last_at FROM head;

-- name: take_over
UPDATE head SET epoch = epoch + 1, beat_at = clock_timestamp() RETURNING position, epoch, generation, last_at;

-- name: copy_log
COPY log (position, stream_id, stream_version, topic, state, at) FROM STDIN (FORMAT binary);

-- name: insert_log
INSERT INTO log (position, stream_id, stream_version, topic, state, at)
SELECT %(position)s::bigint + e.number - 1, e.stream_id, e.stream_version, e.topic, e.state, %(at)s::timestamptz
FROM unnest(%(streams)b::uuid[], %(versions)b::integer[], %(topics)b::text[], %(states)b::bytea[])
    WITH ORDINALITY AS e (stream_id, stream_version, topic, state, number);

-- name: notify
SELECT pg_notify(%(channel)s, %(position)s::text);

-- name: select_events
SELECT stream_id, stream_version, topic, state
FROM log
WHERE stream_id = %(stream)s
  AND stream_version > coalesce(%(gt)s::integer, -1) AND stream_version <= coalesce(%(lte)s::integer, 2147483647)
ORDER BY stream_version
LIMIT %(limit)s;

-- name: select_events_desc
SELECT stream_id, stream_version, topic, state
FROM log
WHERE stream_id = %(stream)s
  AND stream_version > coalesce(%(gt)s::integer, -1) AND stream_version <= coalesce(%(lte)s::integer, 2147483647)
ORDER BY stream_version DESC
LIMIT %(limit)s;

-- name: select_notifications
SELECT stream_id, stream_version, topic, state, position + 1
FROM log
WHERE position >= %(first)s AND position <= coalesce(%(last)s::bigint, 9223372036854775807)
  AND (%(topics)s::text[] IS NULL OR topic = ANY (%(topics)s::text[]))
ORDER BY position
LIMIT %(limit)s;

-- name: read
SELECT position, stream_id, stream_version, topic, state
FROM log
WHERE position >= %(position)s
ORDER BY position
LIMIT %(limit)s;

-- name: states
SELECT state FROM log WHERE position >= %(position)s ORDER BY position LIMIT %(limit)s;

-- name: by_record_key
SELECT s.record_key, l.position, l.stream_id, l.stream_version, l.topic, l.state
FROM log l
JOIN stream s USING (stream_id)
WHERE l.position < %(size)s
  AND (%(until)s::timestamptz IS NULL OR l.at <= %(until)s::timestamptz)
  AND (%(keys)s::text[] IS NULL OR s.record_key LIKE 'hub-%%' OR s.record_key = ANY (%(keys)s::text[]))
ORDER BY s.record_key LIKE 'hub-%%', s.record_key COLLATE "C", l.position;

-- name: record_keys_between
SELECT DISTINCT s.record_key
FROM log l
JOIN stream s USING (stream_id)
WHERE l.position < %(size)s AND s.record_key NOT LIKE 'hub-%%'
  AND (%(since)s::timestamptz IS NULL OR l.at >= %(since)s::timestamptz)
  AND (%(until)s::timestamptz IS NULL OR l.at <= %(until)s::timestamptz);

-- name: at
SELECT position, stream_id, stream_version, topic, state
FROM log
WHERE position = ANY (%(positions)s)
ORDER BY position;

-- name: load
SELECT l.position, l.stream_id, l.stream_version, l.topic, l.state
FROM stream s
JOIN log l USING (stream_id)
WHERE s.record_key = ANY (%(keys)s) AND (%(below)s::bigint IS NULL OR l.position < %(below)s::bigint)
ORDER BY l.position;

-- name: find
SELECT i.source, i.message_id::text, i.digest, i.position
FROM unnest(%(sources)b::text[], %(ids)b::text[]) AS asked (source, message_id)
JOIN message_index i ON i.source = asked.source AND i.message_id = asked.message_id::uuid;

-- name: published
SELECT i.position
FROM message_index i
JOIN log l USING (position)
WHERE i.source = %(source)s AND i.position > %(after)s AND l.topic LIKE 'message-accepted/%%'
ORDER BY i.position
LIMIT %(limit)s;

-- name: input_positions
SELECT topic, partition, next_offset, incarnation, fingerprint FROM input_position ORDER BY topic, partition;

-- name: follower_position
SELECT position FROM {schema}.follower WHERE name = %(name)s;

-- name: follow_to
INSERT INTO {schema}.follower (name, position)
SELECT %(name)s, %(to)s
WHERE %(from)s = 0 OR EXISTS (SELECT FROM {schema}.follower WHERE name = %(name)s)
ON CONFLICT (name) DO UPDATE SET position = excluded.position
WHERE {schema}.follower.position = %(from)s AND excluded.position >= {schema}.follower.position
RETURNING position;

-- name: track
INSERT INTO follower (name, position) VALUES (%(name)s, %(to)s)
ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE follower.position < excluded.position
RETURNING position;

-- name: tracked
SELECT position FROM follower WHERE name = %(name)s;

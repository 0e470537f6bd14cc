-- name: copy_message_index
COPY message_index (source, message_id, digest, position) FROM STDIN (FORMAT binary);

-- name: insert_streams
INSERT INTO stream (stream_id, record_key, kind, key)
SELECT * FROM unnest(%(streams)b::uuid[], %(record_keys)b::text[], %(kinds)b::text[], %(keys)b::text[])
ON CONFLICT (stream_id) DO NOTHING;

-- name: set_input_position
INSERT INTO input_position (topic, partition, next_offset, incarnation, fingerprint)
VALUES (%(topic)s, %(partition)s, %(next_offset)s, %(incarnation)s, %(fingerprint)b)
ON CONFLICT (topic, partition) DO UPDATE
SET next_offset = excluded.next_offset, incarnation = excluded.incarnation, fingerprint = excluded.fingerprint;

-- name: close
INSERT INTO closing (key, position) VALUES (%(key)s, %(position)s)
ON CONFLICT (key) DO UPDATE SET position = greatest(closing.position, excluded.position);

-- name: clear_timer
DELETE FROM timer WHERE timer_id = %(timer_id)s;

-- name: set_timer
INSERT INTO timer (timer_id, due, key, partition, kind, reference)
VALUES (%(timer_id)s, %(due)s, %(key)s, %(partition)s, %(kind)s, %(reference)s)
ON CONFLICT (timer_id) DO NOTHING;

-- name: due_timers
SELECT timer_id, due, key, partition, kind, reference FROM timer WHERE due <= %(now)s ORDER BY due, timer_id LIMIT %(limit)s;

-- name: receipt_due
INSERT INTO receipt_due (position) VALUES (%(position)s);

-- name: replay_wish
WITH of_the_relay AS (INSERT INTO replay_wish (unit, sequence, own) VALUES (%(unit)s, %(sequence)s, %(own)s))
INSERT INTO key_wish (unit, own) VALUES (%(unit)s, %(own)s);

-- name: deposit
INSERT INTO key_mailbox (position, header) VALUES (%(position)s, %(header)b);

-- name: table_of_wishes
SELECT to_regclass(%(name)s) IS NOT NULL;

-- name: replay_wish_elsewhere
WITH of_the_relay AS (INSERT INTO {schema}.replay_wish (unit, sequence, own) VALUES (%(unit)s, %(sequence)s, %(own)s))
INSERT INTO {schema}.key_wish (unit, own) VALUES (%(unit)s, %(own)s);

-- name: dead_letter
INSERT INTO dead_letter
    (topic, partition, record_offset, incarnation, reason, key, header_names, header_values, value, digest, size, at)
VALUES (%(topic)s, %(partition)s, %(record_offset)s, %(incarnation)s, %(reason)s, %(key)b,
    %(header_names)b::bytea[], %(header_values)b::bytea[], %(value)b, %(digest)b, %(size)s, %(at)s)
ON CONFLICT (topic, partition, incarnation, record_offset) DO NOTHING;

-- name: park
INSERT INTO parked
    (key, source, message_id, topic, partition, record_offset, value, header_names, header_values, fault, at)
VALUES (%(key)s, %(source)s, %(message_id)s, %(topic)s, %(partition)s, %(record_offset)s, %(value)b,
    %(header_names)b::bytea[], %(header_values)b::bytea[], %(fault)s, %(at)s)
ON CONFLICT (source, message_id) DO NOTHING;

-- name: unpark
DELETE FROM parked WHERE source = %(source)s AND message_id = %(message_id)s;

-- name: waiting
SELECT source, message_id::text, key FROM parked ORDER BY number;

-- name: wishes
SELECT number, key, verb FROM parked_wish ORDER BY number;

-- name: end_wish
DELETE FROM parked_wish WHERE number = %(number)s;

-- name: parked
SELECT key, source, message_id::text, topic, partition, record_offset, value, header_names, header_values, fault
FROM parked
WHERE key = %(key)s
ORDER BY number;

-- name: state
SELECT position, cluster FROM state;

-- name: move
UPDATE state SET position = %(to)s WHERE position = %(position)s RETURNING position;

-- name: go_back
UPDATE state SET position = least(position, %(position)s), generation = %(generation)s WHERE generation < %(generation)s
RETURNING generation;

-- name: keys_go_back
UPDATE content_key SET position = %(position)s WHERE position > %(position)s;

-- name: waiting_goes_back
DELETE FROM waiting WHERE position >= %(position)s;

-- name: add_content_key
INSERT INTO content_key (key_id, author, record_key, scope, epoch, programme, position, message_id, kek_id, secret)
VALUES (%(key_id)s, %(author)s, %(record_key)s, %(scope)s, %(epoch)s, %(programme)s, %(position)s, %(message_id)s, %(kek_id)s, %(secret)b)
ON CONFLICT (key_id) DO NOTHING;

-- name: set_use
INSERT INTO key_use (key_id, record_key, common) VALUES (%(key_id)s, %(record_key)s, %(common)s)
ON CONFLICT (key_id) DO UPDATE SET common = excluded.common;

-- name: revoke
DELETE FROM release WHERE key_id = %(key_id)s AND unit = %(unit)s AND message_id IS NOT DISTINCT FROM %(message_id)s::uuid;

-- name: release
WITH written AS (
    INSERT INTO release (key_id, unit, message_id, entry, record_key, position, ground, to_key, release_hash, signed, made_at)
    VALUES (%(key_id)s, %(unit)s, %(message_id)s, %(entry)s, %(record_key)s, %(position)s, %(ground)s, %(to_key)s,
        %(release_hash)b, %(signed)b, %(made_at)s)
    RETURNING number, key_id, unit, message_id, entry, position, to_key, release_hash
)
INSERT INTO untold (number, key_id, unit, form, entry, position, to_key, release_hash)
SELECT number, key_id, unit, CASE WHEN message_id IS NULL THEN 'content-key' ELSE 'message-key' END, entry, position, to_key, release_hash
FROM written;

-- name: wait
INSERT INTO waiting (key_id, unit, record_key, position, ground, live)
VALUES (%(key_id)s, %(unit)s, %(record_key)s, %(position)s, %(ground)s, %(live)s)
ON CONFLICT (key_id, unit, position, live) DO NOTHING;

-- name: waited
DELETE FROM waiting WHERE key_id = %(key_id)s AND unit = %(unit)s AND position = %(position)s AND live = %(live)s;

-- name: deposit_keys
SELECT key_id, suite, made_at, kek_id, secret FROM deposit_key ORDER BY made_at, key_id;

-- name: add_deposit_key
INSERT INTO deposit_key (key_id, suite, made_at, kek_id, secret)
VALUES (%(key_id)s, %(suite)s, %(made_at)s, %(kek_id)s, %(secret)b);

-- name: destroy
UPDATE deposit_key SET kek_id = NULL, secret = NULL WHERE key_id = ANY (%(key_ids)s);

-- name: keys
SELECT key_id, programme, author, record_key, scope, epoch, position, message_id::text, kek_id, secret
FROM content_key
WHERE key_id = ANY (%(key_ids)s);

-- name: keys_of
SELECT key_id, programme, author, record_key, scope, epoch, position, message_id::text, kek_id, secret
FROM content_key
WHERE author = %(author)s AND key_id > %(after)s
ORDER BY key_id
LIMIT %(limit)s;

-- name: keys_about
SELECT key_id, programme, author, record_key, scope, epoch, position, message_id::text, kek_id, secret
FROM content_key
WHERE record_key = %(key)s
ORDER BY key_id;

-- name: destroy_key
WITH key AS (DELETE FROM content_key WHERE key_id = %(key_id)s), use AS (DELETE FROM key_use WHERE key_id = %(key_id)s)
DELETE FROM release WHERE key_id = %(key_id)s;

-- name: carry_out
INSERT INTO carried_out (request, record_key, entries, keys, at)
VALUES (%(request)s, %(key)s, %(entries)s, %(keys)s, %(at)s)
ON CONFLICT (request) DO NOTHING;

-- name: carried_out
SELECT request::text, record_key, entries, keys, at FROM carried_out ORDER BY at, request;

-- name: told_erasure
DELETE FROM carried_out WHERE request = %(request)s;

-- name: uses
SELECT u.key_id, u.record_key, u.common,
    ARRAY (SELECT r.unit FROM release r WHERE r.key_id = u.key_id AND r.message_id IS NULL)
FROM key_use u
WHERE u.key_id = ANY (%(key_ids)s);

-- name: uses_of
SELECT u.key_id, u.record_key, u.common,
    ARRAY (SELECT r.unit FROM release r WHERE r.key_id = u.key_id AND r.message_id IS NULL)
FROM key_use u
WHERE u.record_key = ANY (%(keys)s)
ORDER BY u.key_id;

-- name: waiting
SELECT number, key_id, unit, record_key, position, ground, live
FROM waiting
WHERE number > %(after)s
ORDER BY number
LIMIT %(limit)s;

-- name: releases_of
SELECT number, key_id, unit, message_id::text, entry::text, record_key, position, ground, to_key, release_hash, signed
FROM release
WHERE record_key = ANY (%(keys)s)
ORDER BY number;

-- name: unproduced
SELECT number, key_id, unit, message_id::text, entry::text, record_key, position, ground, to_key, release_hash, signed
FROM release
WHERE NOT produced
ORDER BY number
LIMIT %(limit)s;

-- name: again
UPDATE release SET produced = false WHERE unit = %(unit)s AND produced;

-- name: produced
UPDATE release SET produced = true WHERE number = ANY (%(numbers)s);

-- name: met
UPDATE state SET cluster = %(cluster)s;

-- name: lost
UPDATE release SET produced = false WHERE made_at >= %(since)s;

-- name: fix_report
UPDATE state
SET report_through = coalesce(report_through, next.through),
    report_at = CASE WHEN report_through IS NULL THEN %(at)s::timestamptz ELSE report_at END
FROM (SELECT max(number) AS through FROM (SELECT number FROM untold ORDER BY number LIMIT %(limit)s) AS oldest) AS next
RETURNING report_through, report_at;

-- name: report
SELECT number, key_id, unit, form, entry::text, position, to_key, release_hash
FROM untold
WHERE number <= %(through)s
ORDER BY number;

-- name: end_report
UPDATE state SET report_through = NULL, report_at = NULL;

-- name: told
DELETE FROM untold WHERE number <= %(through)s;

-- name: wrapped_under
SELECT (SELECT count(*) FROM content_key WHERE kek_id = %(kek_id)s) + (SELECT count(*) FROM deposit_key WHERE kek_id = %(kek_id)s);

-- name: content_not_under
SELECT key_id, programme, author, record_key, scope, epoch, position, message_id::text, kek_id, secret
FROM content_key
WHERE kek_id <> %(kek_id)s
ORDER BY kek_id, key_id
LIMIT %(limit)s;

-- name: deposit_not_under
SELECT key_id, suite, made_at, kek_id, secret FROM deposit_key WHERE kek_id <> %(kek_id)s ORDER BY key_id LIMIT %(limit)s;

-- name: rewrap_content
UPDATE content_key SET kek_id = %(kek_id)s, secret = %(secret)b WHERE key_id = %(key_id)s;

-- name: rewrap_deposit
UPDATE deposit_key SET kek_id = %(kek_id)s, secret = %(secret)b WHERE key_id = %(key_id)s AND secret IS NOT NULL;

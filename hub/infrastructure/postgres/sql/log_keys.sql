-- name: by_id
SELECT key_id, record_key, scope, epoch, kek_id, secret FROM log_key WHERE key_id = ANY (%(key_ids)b::bytea[]);

-- name: in_use
SELECT k.key_id, k.record_key, k.scope, k.epoch, k.kek_id, k.secret
FROM unnest(%(record_keys)b::text[], %(scopes)b::text[], %(epochs)b::text[]) AS asked (record_key, scope, epoch)
JOIN log_key k ON k.record_key = asked.record_key AND k.scope = asked.scope AND k.epoch = asked.epoch
WHERE k.secret IS NOT NULL;

-- name: add
INSERT INTO log_key (key_id, record_key, scope, epoch, kek_id, secret)
SELECT * FROM unnest(%(key_ids)b::bytea[], %(record_keys)b::text[], %(scopes)b::text[], %(epochs)b::text[], %(kek_ids)b::text[],
    %(secrets)b::bytea[]);

-- name: destroy
UPDATE log_key SET kek_id = NULL, secret = NULL
WHERE record_key = %(record_key)s AND scope = ANY (%(scopes)s) AND NOT epoch = ANY (%(spared)s) AND secret IS NOT NULL;

-- name: any_key
SELECT EXISTS (SELECT FROM log_key);

-- name: wrapped_under
SELECT count(*) FROM log_key WHERE kek_id = %(kek_id)s;

-- name: let_writers_end
LOCK TABLE log_key IN SHARE MODE;

-- name: not_under
SELECT key_id, record_key, scope, epoch, kek_id, secret FROM log_key
WHERE kek_id <> %(kek_id)s AND key_id > %(after)b ORDER BY key_id LIMIT %(limit)s;

-- name: rewrap
-- What an erasure emptied meanwhile stays empty; what somebody holds is not waited for, so nobody waits for us in a circle.
WITH free AS (
    SELECT k.key_id, wrapped.secret
    FROM unnest(%(key_ids)b::bytea[], %(before)b::bytea[], %(secrets)b::bytea[]) AS wrapped (key_id, before, secret)
    JOIN log_key k ON k.key_id = wrapped.key_id AND k.secret = wrapped.before
    FOR UPDATE OF k SKIP LOCKED
)
UPDATE log_key SET kek_id = %(kek_id)s, secret = free.secret FROM free WHERE log_key.key_id = free.key_id;

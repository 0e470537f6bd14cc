-- name: all
SELECT key, source, message_id::text, fault, at, octet_length(value)
FROM parked
ORDER BY key, number;

-- name: ask
INSERT INTO parked_wish (key, verb) VALUES (%(key)s, %(verb)s);

-- name: asked
SELECT count(*) FROM parked_wish WHERE key = %(key)s;

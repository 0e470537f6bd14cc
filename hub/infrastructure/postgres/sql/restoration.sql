-- name: standing
SELECT h.generation,
       h.position,
       (SELECT max(r.generation) FROM restoration r),
       (SELECT l.state FROM log l WHERE l.position = %(position)s - 1)
FROM head h;

-- name: reached
SELECT h.generation, h.position, l.state FROM head h LEFT JOIN log l ON l.position = h.position - 1;

-- name: restorations
SELECT generation, begun_at, position, published, cluster, ends, lost FROM restoration ORDER BY generation;

-- name: begin
INSERT INTO restoration (generation, begun_at, position, published, cluster, ends, lost)
SELECT generation + 1, %(at)s, position, %(published)s, %(cluster)s, %(ends)s, %(lost)s
FROM head;

-- name: resume
UPDATE head SET generation = %(generation)s WHERE generation = %(generation)s - 1 RETURNING position;

-- name: forget_ledger
DELETE FROM follower WHERE name = 'ledger';

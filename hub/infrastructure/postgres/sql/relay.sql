-- name: take_over
UPDATE relay SET epoch = epoch + 1, beat_at = clock_timestamp() RETURNING position, produced, epoch;

-- name: pending
SELECT position, epoch, generation, last_at,
    EXISTS (SELECT FROM backfill), EXISTS (SELECT FROM receipt_due), EXISTS (SELECT FROM replay_wish)
FROM head;

-- name: advance
UPDATE relay
SET position = greatest(position, %(position)s), beat_at = clock_timestamp()
WHERE epoch = %(epoch)s
RETURNING (SELECT generation FROM head);

-- name: may_be_forgotten
SET LOCAL synchronous_commit = off;

-- name: mark_produced
UPDATE relay
SET produced = greatest(produced, %(position)s), beat_at = clock_timestamp()
WHERE epoch = %(epoch)s
RETURNING (SELECT generation FROM head);

-- name: write_deliveries
INSERT INTO delivery (unit, generation, sequence, link, position, key, ground, digest, withheld, signed)
SELECT d.unit, %(generation)s, d.sequence, d.link, d.position, d.key, d.ground, d.digest, d.withheld, d.signed
FROM unnest(%(unit)b::text[], %(sequence)b::bigint[], %(link)b::bytea[], %(position)b::bigint[], %(key)b::text[],
    %(ground)b::text[], %(digest)b::bytea[], %(withheld)b::boolean[], %(signed)b::bytea[])
    AS d (unit, sequence, link, position, key, ground, digest, withheld, signed)
ON CONFLICT (unit, generation, sequence) DO UPDATE
SET ground = excluded.ground, withheld = excluded.withheld, signed = excluded.signed
WHERE delivery.position = excluded.position AND delivery.link = excluded.link;

-- name: write_unproduced
INSERT INTO unproduced (unit, generation, sequence)
SELECT d.unit, %(generation)s, d.sequence
FROM unnest(%(unit)b::text[], %(sequence)b::bigint[]) AS d (unit, sequence)
ON CONFLICT DO NOTHING;

-- name: advance_feeds
INSERT INTO feed (unit, generation, sequence, link)
SELECT DISTINCT ON (d.unit) d.unit, %(generation)s, d.sequence, d.link
FROM unnest(%(unit)b::text[], %(sequence)b::bigint[], %(link)b::bytea[]) AS d (unit, sequence, link)
ORDER BY d.unit, d.sequence DESC
ON CONFLICT (unit, generation) DO UPDATE
SET sequence = excluded.sequence, link = excluded.link
WHERE feed.sequence < excluded.sequence;

-- name: write_backfill
INSERT INTO backfill (ordered_at, unit, ground_id, source, key, after_position, through_position)
VALUES (%(ordered_at)s, %(unit)s, %(ground)s, %(source)s, %(key)s, %(after)s, %(through)s)
ON CONFLICT (ordered_at, unit, ground_id, source) DO UPDATE SET after_position = excluded.after_position;

-- name: end_backfill
DELETE FROM backfill
WHERE ordered_at = %(ordered_at)s AND unit = %(unit)s AND ground_id = %(ground)s AND source = %(source)s;

-- name: write_unreported
INSERT INTO unreported (unit, generation, sequence, position, withheld)
SELECT d.unit, %(generation)s, d.sequence, d.position, d.withheld
FROM unnest(%(unit)b::text[], %(sequence)b::bigint[], %(position)b::bigint[], %(withheld)b::boolean[])
    WITH ORDINALITY AS d (unit, sequence, position, withheld, number)
ORDER BY d.number;

-- name: fix_report
UPDATE relay
SET report_through = coalesce(report_through, next.through),
    report_at = CASE WHEN report_through IS NULL THEN %(at)s::timestamptz ELSE report_at END
FROM (
    SELECT max(number) AS through
    FROM (SELECT number, generation FROM unreported ORDER BY number LIMIT %(limit)s) AS oldest
    WHERE generation = (SELECT generation FROM unreported ORDER BY number LIMIT 1)
) AS next
WHERE epoch = %(epoch)s
RETURNING report_through, report_at;

-- name: report
SELECT number, generation, unit, sequence, position, withheld
FROM unreported
WHERE number <= %(through)s
ORDER BY number;

-- name: end_report
UPDATE relay SET report_through = NULL, report_at = NULL WHERE epoch = %(epoch)s RETURNING (SELECT generation FROM head);

-- name: clear_unreported
DELETE FROM unreported WHERE number <= %(through)s;

-- name: clear_unproduced
DELETE FROM unproduced u
USING unnest(%(unit)b::text[], %(sequence)b::bigint[]) AS d (unit, sequence)
WHERE u.unit = d.unit AND u.generation = %(generation)s AND u.sequence = d.sequence;

-- name: clear_receipts
DELETE FROM receipt_due WHERE position = ANY (%(positions)s) AND number <= %(seen)s;

-- name: clear_replay
DELETE FROM replay_wish WHERE unit = %(unit)s AND sequence = %(sequence)s AND own = %(own)s AND number <= %(seen)s;

-- name: closings
SELECT key, position FROM closing WHERE key = ANY (%(keys)s);

-- name: feeds
SELECT unit, sequence, link FROM feed WHERE generation = (SELECT generation FROM head) ORDER BY unit;

-- name: given
SELECT unit, position FROM delivery WHERE position = ANY (%(positions)s);

-- name: deliveries
SELECT unit, sequence, link, position, key, ground, digest, withheld, signed
FROM delivery
WHERE unit = %(unit)s AND generation = (SELECT generation FROM head) AND sequence >= %(sequence)s
ORDER BY sequence
LIMIT %(limit)s;

-- name: unproduced
SELECT d.unit, d.sequence, d.link, d.position, d.key, d.ground, d.digest, d.withheld, d.signed
FROM unproduced u
JOIN delivery d USING (unit, generation, sequence)
WHERE u.generation = (SELECT generation FROM head)
ORDER BY d.unit, d.sequence;

-- name: backfills
SELECT ordered_at, unit, ground_id, source, key, after_position, through_position
FROM backfill
ORDER BY ordered_at, unit, ground_id, source;

-- name: receipts_due
SELECT number, position FROM receipt_due ORDER BY number;

-- name: retention
SELECT retention FROM relay;

-- name: retained
UPDATE relay
SET retention = retention || jsonb_build_object(%(category)s::text, %(position)s::bigint)
WHERE epoch = %(epoch)s
RETURNING epoch;

-- name: replay_wishes
SELECT number, unit, sequence, own FROM replay_wish ORDER BY number;

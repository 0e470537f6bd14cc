-- name: create
CREATE TABLE entry (space INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (space, key)) WITHOUT ROWID;
CREATE TABLE refusal (number INTEGER PRIMARY KEY, file TEXT, "row" INTEGER, "column" TEXT, value TEXT, reason TEXT, detail TEXT);
-- name: find
SELECT value FROM entry WHERE space = ? AND key = ?;
-- name: add
INSERT INTO entry (space, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;
-- name: put
INSERT INTO entry (space, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value;
-- name: count
SELECT count(*) FROM entry WHERE space = ?;
-- name: clear
DELETE FROM entry WHERE space = ?;
-- name: refuse
INSERT INTO refusal (file, "row", "column", value, reason, detail) VALUES (?, ?, ?, ?, ?, ?);
-- name: refusals
SELECT file, "row", "column", value, reason, detail FROM refusal ORDER BY number;
-- name: refusal_count
SELECT count(*) FROM refusal;

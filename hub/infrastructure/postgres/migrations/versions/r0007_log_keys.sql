-- The keys of the log's states, wrapped under a key that lies outside this database. A row of an entry key is emptied by the transaction in which an
-- erasure is accepted, and stays: a key that was destroyed is told apart from one that was lost.
CREATE TABLE log_key (
    key_id bytea PRIMARY KEY,             -- fingerprint of the key
    record_key text NOT NULL,             -- empty: an evidence key, of what is recorded in a month
    scope text NOT NULL,                  -- a category; empty: an evidence key
    epoch text NOT NULL,                  -- the month, UTC, as 2026-11
    kek_id text,
    secret bytea,
    CHECK ((kek_id IS NULL) = (secret IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX log_key_in_use ON log_key (record_key, scope, epoch) WHERE secret IS NOT NULL;
-- ANALYZE keeps sample values of a column: of keys it must keep none.
ALTER TABLE log_key ALTER COLUMN secret SET STATISTICS 0;

-- All tables of one shard's key service. No column holds a key in clear: `secret` is wrapped under the key-encryption key beside it.

CREATE TABLE state (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL DEFAULT 0,   -- of the log, the next to read
    cluster text NOT NULL DEFAULT '',     -- the broker that has what was released
    report_through bigint,                -- the report under way
    report_at timestamptz
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
INSERT INTO state DEFAULT VALUES;

CREATE TABLE deposit_key (
    key_id text PRIMARY KEY,
    suite text NOT NULL,
    made_at timestamptz NOT NULL,
    kek_id text,
    secret bytea,                         -- empty once it was destroyed
    CHECK ((kek_id IS NULL) = (secret IS NULL))
);

CREATE TABLE content_key (
    key_id text PRIMARY KEY,
    author text NOT NULL,
    record_key text NOT NULL,
    scope text NOT NULL,
    epoch integer NOT NULL,
    programme text NOT NULL,
    position bigint NOT NULL,
    message_id uuid NOT NULL,
    kek_id text NOT NULL,
    secret bytea NOT NULL
);
CREATE INDEX content_key_author ON content_key (author, key_id);
CREATE INDEX content_key_kek ON content_key (kek_id, key_id);

-- The units that were permitted recipients of everything sealed under a key so far.
CREATE TABLE key_use (
    key_id text PRIMARY KEY,
    record_key text NOT NULL,
    common text[] NOT NULL
);
CREATE INDEX key_use_record_key ON key_use (record_key);

CREATE TABLE release (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key_id text NOT NULL,
    unit text NOT NULL,
    message_id uuid,                      -- the one message that it opens; empty: the content key itself
    entry uuid NOT NULL,
    record_key text NOT NULL,
    position bigint NOT NULL,
    ground text,
    to_key text NOT NULL,
    release_hash bytea NOT NULL,
    signed bytea NOT NULL,
    made_at timestamptz NOT NULL,
    produced boolean NOT NULL DEFAULT false,
    UNIQUE NULLS NOT DISTINCT (key_id, unit, message_id)
) WITH (toast_tuple_target = 8160);
ALTER TABLE release ALTER COLUMN signed SET STORAGE EXTERNAL;
CREATE INDEX release_record_key ON release (record_key);
CREATE INDEX release_unit ON release (unit, number);
CREATE INDEX release_made_at ON release (made_at);
CREATE INDEX release_unproduced ON release (number) WHERE NOT produced;

-- What the log is still to be told: it stays when a release goes.
CREATE TABLE untold (
    number bigint PRIMARY KEY,
    key_id text NOT NULL,
    unit text NOT NULL,
    form text NOT NULL,
    entry uuid NOT NULL,
    position bigint NOT NULL,
    to_key text NOT NULL,
    release_hash bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE waiting (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key_id text NOT NULL,
    unit text NOT NULL,
    record_key text NOT NULL,
    position bigint NOT NULL,
    ground text,
    live boolean NOT NULL,
    UNIQUE (key_id, unit, position, live)
);

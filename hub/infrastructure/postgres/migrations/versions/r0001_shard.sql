-- All tables of one shard; the schema itself is the first on the search path.

-- One row each, updated by every commit: low fillfactor so that updates stay in the page and are pruned there, eager vacuum.
CREATE TABLE head (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL,             -- the next free position
    epoch bigint NOT NULL,                -- raised by every take-over of the writer
    generation integer NOT NULL,          -- raised after a restore
    last_at timestamptz NOT NULL,
    beat_at timestamptz NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
INSERT INTO head (position, epoch, generation, last_at, beat_at) VALUES (0, 0, 1, 'epoch', 'epoch');

CREATE TABLE relay (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL,             -- the next to read
    produced bigint NOT NULL,             -- up to here what was committed was also produced
    epoch bigint NOT NULL,
    beat_at timestamptz NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
INSERT INTO relay (position, produced, epoch, beat_at) VALUES (0, 0, 0, 'epoch');

-- The log. States are ciphertext or base64, so compressing them is wasted work, and up to 8 KB they stay in the row.
-- Nothing here tells whom an event is about: that is `stream`, which erasure can empty.
CREATE TABLE log (
    position bigint PRIMARY KEY,
    stream_id uuid NOT NULL,
    stream_version integer NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    at timestamptz NOT NULL
) WITH (toast_tuple_target = 8160);
ALTER TABLE log ALTER COLUMN state SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX log_stream ON log (stream_id, stream_version);

CREATE TABLE stream (
    stream_id uuid PRIMARY KEY,           -- random
    record_key text NOT NULL,
    kind text NOT NULL,
    key text NOT NULL
);
CREATE INDEX stream_record_key ON stream (record_key) INCLUDE (stream_id);

-- Kept for ever, and outlives erasure.
CREATE TABLE message_index (
    source text NOT NULL,
    message_id uuid NOT NULL,
    digest bytea NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (source, message_id)
);
CREATE INDEX message_index_position ON message_index (source, position); -- what a restored adapter asks back

CREATE TABLE input_position (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    incarnation text NOT NULL,
    fingerprint bytea NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE closing (
    key text PRIMARY KEY,                 -- empty: for all
    position bigint NOT NULL
);

CREATE TABLE timer (
    timer_id uuid PRIMARY KEY,
    due timestamptz NOT NULL,
    key text NOT NULL,
    partition integer NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL
);
CREATE INDEX timer_due ON timer (due, timer_id);

-- Topic names and header names are bytes where a stranger chose them: text would refuse a zero byte.
CREATE TABLE dead_letter (
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    incarnation text NOT NULL,
    reason text NOT NULL,
    key bytea,
    header_names bytea[] NOT NULL,
    header_values bytea[] NOT NULL,
    value bytea,
    digest bytea NOT NULL,
    size bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, incarnation, record_offset)
);

CREATE TABLE parked (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL,
    source text NOT NULL,
    message_id uuid NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    value bytea NOT NULL,
    header_names bytea[] NOT NULL,
    header_values bytea[] NOT NULL,
    fault text NOT NULL,
    at timestamptz NOT NULL,
    UNIQUE (source, message_id)
);
CREATE INDEX parked_key ON parked (key, number);

-- Written by the writer, emptied by the relay. Rows are only ever added, so the two never wait for each other.
CREATE TABLE receipt_due (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position bigint NOT NULL
);

CREATE TABLE replay_wish (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit text NOT NULL,
    sequence bigint NOT NULL,
    own boolean NOT NULL
);

CREATE TABLE feed (
    unit text NOT NULL,
    generation integer NOT NULL,
    sequence bigint NOT NULL,
    link bytea NOT NULL,
    PRIMARY KEY (unit, generation)
) WITH (fillfactor = 50);

CREATE TABLE delivery (
    unit text NOT NULL,
    generation integer NOT NULL,
    sequence bigint NOT NULL,
    link bytea NOT NULL,
    position bigint NOT NULL,
    key text NOT NULL,
    ground text,
    digest bytea NOT NULL,
    withheld boolean NOT NULL,
    signed bytea NOT NULL,
    PRIMARY KEY (unit, generation, sequence)
) WITH (toast_tuple_target = 8160);
ALTER TABLE delivery ALTER COLUMN signed SET STORAGE EXTERNAL;
-- Given once, whatever the number of grounds; the position first, since it is asked by position and grows.
CREATE UNIQUE INDEX delivery_once ON delivery (position, unit);

-- Slots of which it is not certain that the broker has them: small rows come and go here so that deliveries are written once.
CREATE TABLE unproduced (
    unit text NOT NULL,
    generation integer NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (unit, generation, sequence)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE backfill (
    ordered_at bigint NOT NULL,
    unit text NOT NULL,
    ground_id text NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    after_position bigint NOT NULL,
    through_position bigint NOT NULL,
    PRIMARY KEY (ordered_at, unit, ground_id, source)
);

-- How far each follower of the log has applied it.
CREATE TABLE follower (
    name text PRIMARY KEY,
    position bigint NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- Erasures for which keys were destroyed and of which the log was not told.
CREATE TABLE carried_out (
    request uuid PRIMARY KEY,
    record_key text NOT NULL,
    entries integer NOT NULL,
    keys integer NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX content_key_record_key ON content_key (record_key);

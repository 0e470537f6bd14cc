-- Slots that the log does not name yet. Written with the slot, deleted when the log holds the report: small rows that come and go.
CREATE TABLE unreported (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit text NOT NULL,
    generation integer NOT NULL,
    sequence bigint NOT NULL,
    position bigint NOT NULL,
    withheld boolean NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- The report under way: fixed before it is sent, so that a relay that takes over sends the same bytes.
ALTER TABLE relay ADD COLUMN report_through bigint, ADD COLUMN report_at timestamptz;

-- Written by the operator's command, fulfilled and deleted by the writer.
CREATE TABLE parked_wish (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL,
    verb text NOT NULL CHECK (verb IN ('retry', 'refuse', 'refuse-first')),
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

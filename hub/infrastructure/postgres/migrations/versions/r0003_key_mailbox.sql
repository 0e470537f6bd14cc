-- Content keys as their units sealed them to the key service. Written with the event of the message that deposits them, taken out and deleted by
-- the key service: nothing else reads them, and nothing else could open them.
CREATE TABLE key_mailbox (
    position bigint PRIMARY KEY,
    header bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE key_mailbox ALTER COLUMN header SET STORAGE EXTERNAL;

-- Units that asked for their feed, or for their own messages, again: their keys go again too.
CREATE TABLE key_wish (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit text NOT NULL,
    own boolean NOT NULL
);

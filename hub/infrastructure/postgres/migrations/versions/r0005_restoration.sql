-- Each restore from a backup: begun when it stands here, done when the head row has its generation.
CREATE TABLE restoration (
    generation integer PRIMARY KEY,       -- that of the head row once it is done
    begun_at timestamptz NOT NULL,
    position bigint NOT NULL,             -- events that came back with the backup
    published bigint NOT NULL,            -- events that the ledger had vouched for by then
    cluster text NOT NULL,                -- the broker as it was asked
    ends jsonb NOT NULL,                  -- of each partition of the inbox the end at that time: to be read before anything is given
    lost integer[] NOT NULL               -- partitions that no longer hold all that came since the backup
);

-- Of each category the position up to which the log holds nothing that has been kept too long.
ALTER TABLE relay ADD COLUMN retention jsonb NOT NULL DEFAULT '{}';

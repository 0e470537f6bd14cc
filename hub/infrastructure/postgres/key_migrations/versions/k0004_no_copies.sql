-- ANALYZE keeps sample values of a column: of keys it must keep none. A change of type drops those that are there.
ALTER TABLE content_key ALTER COLUMN secret TYPE bytea;
ALTER TABLE content_key ALTER COLUMN secret SET STATISTICS 0;
ALTER TABLE deposit_key ALTER COLUMN secret TYPE bytea;
ALTER TABLE deposit_key ALTER COLUMN secret SET STATISTICS 0;
ALTER TABLE release ALTER COLUMN signed TYPE bytea;
ALTER TABLE release ALTER COLUMN signed SET STATISTICS 0;
ALTER TABLE release ALTER COLUMN signed SET STORAGE EXTERNAL;

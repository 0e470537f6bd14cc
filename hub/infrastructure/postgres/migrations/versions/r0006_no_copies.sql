-- ANALYZE keeps sample values of a column: of deposited keys it must keep none. A change of type drops those that are there.
ALTER TABLE key_mailbox ALTER COLUMN header TYPE bytea;
ALTER TABLE key_mailbox ALTER COLUMN header SET STATISTICS 0;
ALTER TABLE key_mailbox ALTER COLUMN header SET STORAGE EXTERNAL;

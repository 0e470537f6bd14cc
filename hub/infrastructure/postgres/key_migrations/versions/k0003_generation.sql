-- The log's generation up to whose restore these keys went back.
ALTER TABLE state ADD COLUMN generation integer NOT NULL DEFAULT 1;

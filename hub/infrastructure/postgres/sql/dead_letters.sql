-- name: newest
SELECT topic, partition, record_offset, reason, size, digest
FROM dead_letter
ORDER BY at DESC, record_offset DESC
LIMIT %(limit)s;

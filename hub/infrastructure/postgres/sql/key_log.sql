-- name: mailbox
SELECT position, header FROM key_mailbox WHERE position < %(below)s ORDER BY position;

-- name: take_out
DELETE FROM key_mailbox WHERE position = ANY (%(positions)s);

-- name: wishes
SELECT number, unit, own FROM key_wish ORDER BY number;

-- name: fulfil
DELETE FROM key_wish WHERE number = ANY (%(numbers)s);

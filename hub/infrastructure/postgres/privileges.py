"""What each part of the hub may do in a shard's tables: nothing that is not listed here.

Invariants: nobody updates or deletes an event, and nobody but intake appends one; projections write their own schema; projections and ledger
write how far they are; the auditor changes nothing at all. The owner of the tables (who migrates) is none of these. A database of another kind
lists its users in the same form.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

Privilege = str
"""A word of SQL's GRANT."""
Grants = Mapping[str, tuple[Privilege, ...]]
"""Privileges by table."""

READ: Final = ("SELECT",)
COUNT: Final = ("SELECT (at)",)
"""Since when, and so how many: not what."""
GROW: Final = ("SELECT", "INSERT")
QUEUE: Final = ("SELECT", "INSERT", "DELETE")
KEEP: Final = ("SELECT", "INSERT", "UPDATE")
MANAGE: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


class DatabaseUser(StrEnum):
    """Who signs in at the hub's database."""

    INTAKE = "intake"
    DISPATCH = "dispatch"
    LEDGER = "ledger"
    PROJECTIONS = "projections"
    AUDIT = "audit"
    KEYS = "keys"
    """The key service where it follows the log; its keys lie in another database, which has an owner of its own."""
    OPERATOR = "operator"
    """The operator's commands but for those that make tables and users."""


_LOG: Final = dict.fromkeys(("head", "log", "log_key", "stream", "message_index", "restoration"), READ)

PRIVILEGES: Final[Mapping[DatabaseUser, Grants]] = {
    DatabaseUser.INTAKE: {
        "head": ("SELECT", "UPDATE"),
        "relay": READ,
        "log": GROW,
        "log_key": KEEP,  # it makes keys, and destroys them with an erasure
        "stream": GROW,
        "message_index": GROW,
        "input_position": KEEP,
        "closing": KEEP,
        "timer": QUEUE,
        "dead_letter": GROW,
        "parked": QUEUE,
        "parked_wish": ("SELECT", "DELETE"),
        "receipt_due": GROW,
        "replay_wish": GROW,
        "key_mailbox": ("INSERT",),  # it puts in what units sealed to the key service, and cannot look at it again
        "key_wish": ("INSERT",),
        "follower": READ,  # how far the ledger is
        "restoration": READ,
    },
    DatabaseUser.DISPATCH: {
        **_LOG,
        "follower": READ,
        "relay": ("SELECT", "UPDATE"),
        "input_position": READ,
        "closing": READ,
        "receipt_due": ("SELECT", "DELETE"),
        "replay_wish": ("SELECT", "DELETE"),
        "feed": KEEP,
        "delivery": KEEP,
        "unproduced": QUEUE,
        "unreported": QUEUE,
        "backfill": MANAGE,
    },
    DatabaseUser.LEDGER: {**_LOG, "follower": KEEP},
    DatabaseUser.PROJECTIONS: {**_LOG, "follower": KEEP},
    DatabaseUser.AUDIT: {
        **_LOG,
        "follower": READ,
        "relay": READ,
        "parked": COUNT,
        "dead_letter": COUNT,
    },
    DatabaseUser.KEYS: {
        **_LOG,
        "follower": READ,
        "key_mailbox": ("SELECT", "DELETE"),
        "key_wish": ("SELECT", "DELETE"),
    },
    DatabaseUser.OPERATOR: {
        **_LOG,
        "relay": READ,
        "input_position": READ,
        "follower": READ,
        "dead_letter": READ,
        "parked": READ,
        "parked_wish": GROW,
    },
}

"""To which key of the hub's key service a unit deposits its content keys.

Invariant: a unit that has been out of touch for long goes on with the newest key that it knows, though that has run out: the hub says so then, and
the deposit is made again to the key of the newer list.
"""

from datetime import datetime

from contracts.names import HUB
from contracts.sealing.suites import SealingKey
from contracts.trust_list import Directory


def custodian(directory: Directory | None, at: datetime) -> SealingKey | None:
    """The newest key that is valid, else the newest that was not revoked; None where the list names none: content stays clear then."""
    if directory is None:
        return None
    known = (key for entry, key in directory.sealing_keys(HUB) if entry.revoked is None)
    return directory.sealing_key(HUB, at) or next(known, None)

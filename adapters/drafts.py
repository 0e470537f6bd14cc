"""What a connector, the command line or a console hands to the desk: a message that is not yet numbered, gated or signed.

Invariants: a draft names the client by the unit's own key, never by a wire subject; `local_key` names the row or form it came from, so that the same
row imported twice is one message and a changed row becomes a correction.
"""

from datetime import datetime
from typing import NamedTuple, NewType

from contracts.categories import Category, Purpose
from contracts.facts import Facts, SealedContent
from contracts.names import ActorId, MessageId

ClientKey = NewType("ClientKey", str)
"""The unit's own name for a client (case number, PersonalID in one organisation). Never leaves the adapter but sealed."""


class Draft(NamedTuple):
    """One message to be. A tuple, since an import makes one of every row."""

    client: ClientKey | None
    """None for the types about no client."""
    facts: Facts
    time: datetime
    """When it happened, with offset."""
    content: SealedContent | None = None
    category: Category | None = None
    purpose: Purpose | None = None
    actor: ActorId | None = None
    corrects: MessageId | None = None
    causationid: MessageId | None = None
    correlationid: MessageId | None = None
    local_key: str | None = None
    """`connector/file/row key`: the same twice is the same message; other content under the same key is a correction."""
    changed_at: datetime | None = None
    """When the row was last changed where it comes from: an older state never corrects a newer one."""

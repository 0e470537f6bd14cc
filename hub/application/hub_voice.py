"""How the hub speaks for itself: messages under its own source and key, with ids that follow from their names."""

from datetime import datetime
from typing import Final

from contracts.categories import Category, Purpose
from contracts.envelope import compose
from contracts.facts import Facts
from contracts.keys import SigningKey
from contracts.names import HUB, MessageId, ProgrammeId, Source, SubjectId, source_of
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes, sign_one
from hub.domain.naming import deterministic_id

ANY_NUMBER: Final = 1
"""The hub's own messages have no order among themselves: their ids say what came before."""


class HubVoice:
    """Signs the hub's own messages."""

    def __init__(self, programme: ProgrammeId, key: SigningKey) -> None:
        self._programme = programme
        self._key = key
        self.source: Source = source_of(programme, HUB)

    def named(self, name: str) -> tuple[Source, MessageId]:
        """Source and id of what is said under a name."""
        return self.source, deterministic_id(f"{self._programme}/{name}")

    def say(  # noqa: PLR0913 - what a message bears, by keyword
        self,
        facts: Facts,
        *,
        name: str,
        at: datetime,
        subject: SubjectId | None = None,
        category: Category | None = None,
        purpose: Purpose | None = None,
    ) -> tuple[MessageId, SignedBytes]:
        """The signed message that goes with this name: saying it twice gives the same id."""
        message_id, payload = composed(
            facts, self._programme, name=name, at=at, subject=subject, category=category, purpose=purpose
        )
        return message_id, sign_one(payload, self._key, PayloadType.CLOUDEVENT)


def composed(  # noqa: PLR0913 - as `HubVoice.say`
    facts: Facts,
    programme: ProgrammeId,
    *,
    name: str,
    at: datetime,
    subject: SubjectId | None,
    category: Category | None,
    purpose: Purpose | None,
) -> tuple[MessageId, bytes]:
    """What the hub says under a name, not signed yet: whoever knows the cause knows these bytes."""
    message_id = deterministic_id(f"{programme}/{name}")
    payload = compose(
        facts,
        id=message_id,
        source=source_of(programme, HUB),
        time=at,
        programme=programme,
        sequence=ANY_NUMBER,
        subject=subject,
        category=category,
        purpose=purpose,
    )
    return message_id, payload

"""A unit of the kit that numbers and signs like an adapter."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.conformance.fresh_ids import fresh_id
from contracts.categories import Category
from contracts.envelope import compose
from contracts.facts import Facts, SealedContent
from contracts.keys import SigningKey
from contracts.names import MessageId, ProgrammeId, RecordKey, SubjectId, UnitId, source_of
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes, sign_one


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message, not yet sent."""

    id: MessageId
    key: RecordKey
    sequence: int
    payload: bytes


@dataclass(slots=True)
class Voice:
    """Speaks for one unit of one programme."""

    unit: UnitId
    programme: ProgrammeId
    key: SigningKey
    now: Callable[[], datetime] = _now
    numbers: dict[RecordKey, int] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The `source` attribute."""
        return source_of(self.programme, self.unit)

    def compose(  # noqa: PLR0913 - a message's attributes, by keyword
        self,
        facts: Facts,
        *,
        subject: SubjectId | None = None,
        category: Category | None = None,
        sequence: int | None = None,
        message_id: MessageId | None = None,
        time: datetime | None = None,
        corrects: MessageId | None = None,
        content: SealedContent | None = None,
    ) -> Spoken:
        """The next message under its key; a `sequence` that is given uses up no number."""
        key = RecordKey(subject or self.source)
        name = message_id or fresh_id(self.now())
        number = self.numbers.get(key, 0) + 1 if sequence is None else sequence
        payload = compose(
            facts,
            id=name,
            source=source_of(self.programme, self.unit),
            time=time or self.now(),
            programme=self.programme,
            sequence=number,
            subject=subject,
            category=category,
            corrects=corrects,
            content=content,
        )
        if sequence is None:
            self.numbers[key] = number
        return Spoken(name, key, number, payload)

    def sign(self, payload: bytes) -> SignedBytes:
        """Signed singly."""
        return sign_one(payload, self.key, PayloadType.CLOUDEVENT)

    def say(self, facts: Facts, *, subject: SubjectId | None = None, category: Category | None = None) -> SignedBytes:
        """Composed and signed."""
        return self.sign(self.compose(facts, subject=subject, category=category).payload)

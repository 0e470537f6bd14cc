"""What the log holds: for every message that advanced a sequence exactly one event, accepted or refused.

Invariants: an accepted event keeps the signed bytes as they came and everything that was decided about them, so that a reader needs no other
input to run the decision again. A refused one keeps digest and routing attributes, never content. Of an entry that was erased the decision and the
outline stay, without its signed bytes. Topics are stable stored names.
"""

from typing import ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from contracts.categories import Category, Purpose
from contracts.codes import RefusalCode
from contracts.names import GroundId, KeyId, MessageId, MessageType, ProgrammeId, RecordKey, Source, UnitId

_set: Final = object.__setattr__

StreamKind = Literal["path", "ground", "referral", "notice"]
"""`path`: one a subject; `ground`: one a consent or statutory ground; `referral`: one a referral; `notice`: messages about no subject."""


class Stored(BaseModel):
    """Frozen and closed, as everything that is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    _DEFAULTS: ClassVar[dict[str, object]]
    _FIELDS: ClassVar[set[str]]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        """Work out what `made` needs once a class."""
        super().__pydantic_init_subclass__(**kwargs)
        cls._DEFAULTS = {name: field.default for name, field in cls.model_fields.items() if not field.is_required()}
        cls._FIELDS = set(cls.model_fields)

    @classmethod
    def made(cls, **values: object) -> Self:
        """An instance of values that are ours and of the right types; every field by name, defaults left out.

        `model_construct` without its look-ups, and all fields count as set: a writer makes thousands a second.
        """
        instance = cls.__new__(cls)
        _set(instance, "__dict__", values if len(values) == len(cls._FIELDS) else cls._DEFAULTS | values)
        _set(instance, "__pydantic_fields_set__", cls._FIELDS)
        _set(instance, "__pydantic_extra__", None)
        _set(instance, "__pydantic_private__", None)
        return instance


class StoredProof(Stored):
    """Where a message stands in the tree that its author signed (DESIGN section 5, batches)."""

    size: int
    index: int
    path: tuple[bytes, ...]


class StoredMessage(Stored):
    """The exact signed bytes with their signature: `contracts.signed_bytes.SignedBytes` at rest."""

    payload: bytes = b""
    """Empty where it was erased."""
    key_id: KeyId
    signature: bytes
    proof: StoredProof | None = None


class Outline(Stored):
    """What of an entry outlives its erasure: its envelope, and of a referral what its state follows from. Nothing that a person wrote, no code about
    the client.
    """

    message_id: MessageId
    source: Source
    type: MessageType
    time: AwareDatetime
    programme: ProgrammeId
    sequence: int
    category: Category
    purpose: Purpose
    corrects: MessageId | None = None
    digest: bytes
    """SHA-256 of the signed bytes."""
    content_key: str | None = None
    """Id of the key under which the content was sealed; empty of content in clear, None where there was none."""
    facts: str | None = None
    """Of a referral's move its facts without codes, as JSON."""


class Given(Stored):
    """A unit that is to be given the entry, and the ground that permits it (None for audiences that need no ground)."""

    unit: UnitId
    ground: GroundId | None = None


class Backfill(Stored):
    """A range to be given because a ground was given, extended or attested: `source`'s entries up to and including position `through`."""

    unit: UnitId
    ground: GroundId
    source: UnitId
    through: int


class Basis(Stored):
    """What is needed to run the decision again (DESIGN section 7, last rule)."""

    gate: int
    grounds_position: int
    trust_list: int
    settings: int


class Event(Stored):
    """One fact of the log. `originator_id` and `originator_version` name its stream and place in it, as the event store expects."""

    TOPIC: ClassVar[str]
    originator_id: UUID
    originator_version: int
    key: RecordKey
    at: AwareDatetime


class MessageAccepted(Event):
    """A message that the hub accepted, with the decision."""

    TOPIC: ClassVar[str] = "message-accepted/1"
    stream: StreamKind
    stream_key: str
    message: StoredMessage
    basis: Basis
    recipients: tuple[Given, ...] = ()
    backfills: tuple[Backfill, ...] = ()
    outline: Outline | None = None
    """Of what an erasure may cover."""

    @property
    def erased(self) -> bool:
        """Whether its signed bytes are gone."""
        return not self.message.payload


class MessageRefused(Event):
    """A message that failed after its signature was found good: who, which and why, and no content."""

    TOPIC: ClassVar[str] = "message-refused/1"
    source: Source
    message_id: MessageId
    type: str
    sequence: int
    digest: bytes
    code: RefusalCode
    basis: Basis
    stream: StreamKind = "path"
    stream_key: str = ""
    advances: bool = True
    """False for `id-reused` and `sequence-conflict`, which leave the sequence where it was."""
    last_sequence: int = 0
    """With `sequence-conflict`: the last number that the hub has, for an adapter restored from a backup."""


EVENTS: tuple[type[Event], ...] = (MessageAccepted, MessageRefused)

"""The message: a CloudEvents 1.0 document in structured mode over exact bytes (DESIGN section 5).

Invariants: `parse` refuses duplicate members, unknown fields, empty strings and nulls; what it returns was validated against the type's row of the
catalogue; nothing is ever serialised again before it is verified or stored. `compose` is the one way in which our own code makes message bytes.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache, cached_property
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, create_model
from pydantic_core import to_json

from contracts import strict_json
from contracts.catalogue import CATALOGUE, MessageSpec, spec_of
from contracts.categories import WHOLLY_SEALED, Category, Purpose
from contracts.civil_time import Instant
from contracts.codes import RefusalCode
from contracts.errors import ContractsError
from contracts.facts import Clear, Facts, Sealed, SealedContent
from contracts.names import (
    Actor,
    ActorId,
    Id,
    MessageId,
    MessageType,
    Programme,
    ProgrammeId,
    RecordKey,
    Source,
    SourceUrn,
    Subject,
    SubjectId,
    UnitId,
    unit_of,
)

MAX_SEQUENCE: Final = 2**31 - 1
"""CloudEvents integers are 32 bits."""


class EnvelopeError(ContractsError):
    """The bytes are not an envelope at all: there is nobody to answer to."""


class MessageError(ContractsError):
    """An envelope whose content cannot be accepted; `code` goes into the receipt."""

    def __init__(self, code: RefusalCode, reason: str, *, advice: str, field: str = "") -> None:
        super().__init__(f"{code}: {reason}", advice=advice)
        self.code = code
        self.reason = reason
        self.field = field


class Attributes(BaseModel):
    """The routing attributes: always clear, kept even of a refused message."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    specversion: Literal["1.0"]
    id: Id
    source: SourceUrn
    type: Annotated[MessageType, Field(min_length=1, max_length=120)]
    time: Instant
    datacontenttype: Literal["application/json"]
    dataschema: Annotated[str, Field(min_length=1, max_length=200)]
    programme: Programme
    sequence: Annotated[int, Field(ge=1, le=MAX_SEQUENCE)]
    subject: Subject | None = None
    purpose: Purpose | None = None
    category: Category | None = None
    actor: Actor | None = None
    correlationid: Id | None = None
    causationid: Id | None = None
    corrects: Id | None = None
    checkpoint: Annotated[str, Field(pattern=r"^[0-9]{1,4}:[0-9]{1,16}:[A-Za-z0-9+/]{43}=$")] | None = None

    @cached_property
    def unit(self) -> UnitId:
        """The publishing unit, as `source` names it: asked a dozen times of each message."""
        return unit_of(self.source)

    @property
    def key(self) -> RecordKey:
        """What a unit's record is keyed by: the subject, else the source. The hub's own without a subject go under `hub-<n>`."""
        return RecordKey(self.subject or self.source)


class Data(BaseModel):
    """Facts in clear and what is sealed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    facts: SerializeAsAny[Facts]
    sealed: Sealed | None = None


class Message(Attributes):
    """A whole message, validated by its type's row of the catalogue."""

    data: Data

    @property
    def facts(self) -> Facts:
        """The type's facts: match on their class."""
        return self.data.facts

    @property
    def spec(self) -> MessageSpec:
        """The row of the catalogue."""
        return CATALOGUE[self.type]


class _Loose(Attributes):
    data: dict[str, Any]


@cache
def model_of(message_type: MessageType) -> type[Message]:
    """The pydantic model of one type, from which its JSON Schema is published."""
    spec = CATALOGUE[message_type]
    data = create_model(f"{spec.facts.__name__}Data", __base__=Data, facts=(spec.facts, ...))
    return create_model(f"{spec.facts.__name__}Message", __base__=Message, data=(data, ...))


def parse_attributes(raw: bytes) -> tuple[Attributes, dict[str, object]]:
    """The routing attributes and the loose document. Raises `EnvelopeError` where there is not even an envelope."""
    try:
        document = strict_json.parse(raw)
        _refuse_nulls(document, raw)
        loose = _Loose.model_validate_json(raw)
    except strict_json.StrictJsonError as error:
        raise EnvelopeError(str(error), advice=error.advice) from error
    except ValidationError as error:
        raise EnvelopeError(
            _first(error), advice="Send the attributes that the published envelope schema asks for."
        ) from error
    _refuse_foreign_source(loose)
    return loose, document


def parse(raw: bytes) -> Message:
    """A message from its exact bytes. Raises `EnvelopeError`, or `MessageError` with the code for the receipt."""
    try:
        document = strict_json.parse(raw)
    except strict_json.StrictJsonError as error:
        raise EnvelopeError(str(error), advice=error.advice) from error
    named = document.get("type")
    spec = CATALOGUE.get(MessageType(named)) if isinstance(named, str) else None
    if spec is None:
        attributes, _ = parse_attributes(raw)
        raise MessageError(
            RefusalCode.UNKNOWN_TYPE,
            attributes.type,
            advice="Use a type and version of the published catalogue.",
            field="type",
        )
    return _validate(raw, document, spec)


def _validate(raw: bytes, document: dict[str, object], spec: MessageSpec) -> Message:
    try:
        _refuse_nulls(document, raw)
        message = model_of(spec.type).model_validate_json(raw)
    except (ValidationError, EnvelopeError) as error:
        parse_attributes(raw)
        raise MessageError(
            RefusalCode.INVALID_DATA,
            _first(error) if isinstance(error, ValidationError) else str(error),
            advice=f"Compare with the schema {spec.schema_id}.",
            field=_field(error),
        ) from error
    _refuse_foreign_source(message)
    check(message, spec)
    return message


def check(message: Message, spec: MessageSpec) -> None:
    """The rules between attributes that one field's type cannot tell. Raises `MessageError`."""
    fault = _attribute_fault(message, spec) or _category_fault(message, spec) or _sealing_fault(message, spec)
    if fault:
        field, reason = fault
        raise MessageError(
            RefusalCode.INVALID_DATA,
            f"{field}: {reason}",
            advice=f"Compare with the schema {spec.schema_id}.",
            field=field,
        )


def _attribute_fault(message: Message, spec: MessageSpec) -> tuple[str, str] | None:
    if message.dataschema != spec.schema_id:
        return "dataschema", f"must be {spec.schema_id}"
    if spec.about_subject is (message.subject is None):
        return "subject", "is needed" if spec.about_subject else "must be absent, since the type is about no client"
    return None


def _category_fault(message: Message, spec: MessageSpec) -> tuple[str, str] | None:
    category = message.category
    if spec.categorised is (category is None) or spec.categorised is (message.purpose is None):
        return "category", "and purpose are needed" if spec.categorised else "and purpose must be absent for this type"
    if spec.categories is not None and category not in spec.categories:
        return "category", f"must be one of {', '.join(sorted(spec.categories))}"
    if spec.correcting is (message.corrects is None):
        return "corrects", "names the corrected entry in entry.corrected, and is absent elsewhere"
    return None


def _sealing_fault(message: Message, spec: MessageSpec) -> tuple[str, str] | None:
    data = message.data
    if data.sealed is not None and spec.sealed is None:
        return "data.sealed", "this type seals nothing"
    wholly = message.category in WHOLLY_SEALED
    for name, required in spec.coded.items():
        present = getattr(data.facts, name) is not None
        if present and wholly:
            return f"data.facts.{name}", "is a code under a special or criminal category: it belongs into sealed"
        if required and not present and not wholly:
            return f"data.facts.{name}", "is needed"
    return None


def compose(  # noqa: PLR0913 - one keyword for each attribute of the envelope, in its order
    facts: Facts,
    *,
    id: MessageId,  # noqa: A002 - the attribute's name on the wire
    source: Source,
    time: datetime,
    programme: ProgrammeId,
    sequence: int,
    subject: SubjectId | None = None,
    category: Category | None = None,
    purpose: Purpose | None = None,
    actor: ActorId | None = None,
    correlationid: MessageId | None = None,
    causationid: MessageId | None = None,
    corrects: MessageId | None = None,
    checkpoint: str | None = None,
    content: SealedContent | None = None,
) -> bytes:
    """The exact bytes of a message, ready to be signed, with its content in clear form.

    Raises `MessageError` when a rule of the catalogue is broken, so that nothing wrong is ever signed.
    """
    spec = spec_of(facts)
    if spec.categorised and purpose is None:
        purpose = Purpose.SUPPORT
    clear, sealed = _split(facts, content, coded=spec.coded if category in WHOLLY_SEALED else ())
    document = {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": spec.type,
        "time": time.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": spec.schema_id,
        "programme": programme,
        "sequence": sequence,
        "subject": subject,
        "purpose": None if purpose is None else purpose.value,
        "category": None if category is None else category.value,
        "actor": actor,
        "correlationid": correlationid,
        "causationid": causationid,
        "corrects": corrects,
        "checkpoint": checkpoint,
        "data": {"facts": clear} | ({"sealed": Clear(content=sealed).model_dump(mode="json")} if sealed else {}),
    }
    stated = {name: value for name, value in document.items() if value is not None}
    if sealed:
        raw = strict_json.canonical(stated)
        parse(raw)
    else:  # facts are closed models: nothing in them that strict JSON would refuse or could write in another way
        raw = to_json(stated)
        _validate(raw, stated, spec)
    return raw


def _split(
    facts: Facts, content: SealedContent | None, *, coded: Iterable[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    clear = facts.model_dump(mode="json", exclude_none=True)
    sealed = content.model_dump(mode="json", exclude_none=True) if content is not None else {}
    moved = {name: clear.pop(name) for name in coded if name in clear}
    return clear, sealed | {"facts": moved} if moved else sealed


def open_clear(message: Message) -> tuple[Facts, SealedContent | None]:
    """The whole facts and the content of a message in clear form. Raises `MessageError` where they do not follow the type's schema."""
    sealed = message.data.sealed
    if not isinstance(sealed, Clear):
        return message.facts, None
    content = dict(sealed.content)
    spec = message.spec
    try:
        facts = message.facts
        if message.category in WHOLLY_SEALED and spec.coded:  # else a member `facts` is the content's own
            facts = spec.facts.model_validate_json(
                to_json(
                    facts.model_dump(mode="json", exclude_none=True) | cast("dict[str, Any]", content.pop("facts", {}))
                )
            )
        opened = spec.sealed.model_validate_json(to_json(content)) if spec.sealed else None
    except ValidationError as error:
        raise MessageError(
            RefusalCode.INVALID_DATA,
            _first(error),
            advice=f"Compare with the schema {spec.schema_id}.",
            field=f"data.sealed.{_field(error)}",
        ) from error
    return facts, opened


def _refuse_foreign_source(attributes: Attributes) -> None:
    """Numbers count per source: under a source of another programme they would be counted for nobody."""
    if not attributes.source.startswith(f"urn:spojka:{attributes.programme}:"):
        raise EnvelopeError("source and programme name two programmes", advice="Name the message's programme in both.")


def _refuse_nulls(document: dict[str, object], raw: bytes) -> None:
    """Null is allowed nowhere. Where the bytes do not even hold the word, there is nothing to walk through."""
    if b"null" in raw and (path := _null_in(document)) is not None:
        raise EnvelopeError(f"null at {path}", advice="Leave out what has no value: null is allowed nowhere.")


def _null_in(value: object) -> str | None:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        if member is None:
            return str(name)
        if (path := _null_in(member)) is not None:
            return f"{name}.{path}"
    return None


def _first(error: ValidationError) -> str:
    """The first fault without the input value, which may be personal."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _field(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return ".".join(
            str(part) for part in error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]
        )
    return ""

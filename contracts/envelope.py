"""The message: a CloudEvents 1.0 document in structured mode over exact bytes (DESIGN section 5).

Invariants: `parse` refuses duplicate members, unknown fields, empty strings and nulls; what it returns was validated against the type's row of the
catalogue; nothing is ever serialised again before it is verified or stored. `compose` is the one way in which our own code makes message bytes.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, Literal, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, create_model

from contracts import strict_json
from contracts.catalogue import CATALOGUE, MessageSpec, spec_of
from contracts.categories import WHOLLY_SEALED, Category, Purpose
from contracts.codes import RefusalCode
from contracts.errors import ContractsError
from contracts.facts import Clear, Facts, Sealed, SealedContent, coded_fields
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
    time: AwareDatetime
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
    checkpoint: Annotated[str, Field(pattern=r"^\d+:\d+:[A-Za-z0-9+/=]{44}$")] | None = None

    @property
    def unit(self) -> UnitId:
        """The publishing unit, as `source` names it."""
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
        _refuse_nulls(document)
        loose = _Loose.model_validate_json(raw)
    except strict_json.StrictJsonError as error:
        raise EnvelopeError(str(error), advice=error.advice) from error
    except ValidationError as error:
        raise EnvelopeError(
            _first(error), advice="Send the attributes that the published envelope schema asks for."
        ) from error
    return loose, document


def parse(raw: bytes) -> Message:
    """A message from its exact bytes. Raises `EnvelopeError`, or `MessageError` with the code for the receipt."""
    try:
        document = strict_json.parse(raw)
    except strict_json.StrictJsonError as error:
        raise EnvelopeError(str(error), advice=error.advice) from error
    spec = CATALOGUE.get(cast("MessageType", document.get("type")))
    if spec is None:
        attributes, _ = parse_attributes(raw)
        raise MessageError(
            RefusalCode.UNKNOWN_TYPE,
            attributes.type,
            advice="Use a type and version of the published catalogue.",
            field="type",
        )
    try:
        _refuse_nulls(document)
        message = model_of(spec.type).model_validate_json(raw)
    except (ValidationError, EnvelopeError) as error:
        parse_attributes(raw)
        raise MessageError(
            RefusalCode.INVALID_DATA,
            _first(error) if isinstance(error, ValidationError) else str(error),
            advice=f"Compare with the schema {spec.schema_id}.",
            field=_field(error),
        ) from error
    check(message, spec)
    return message


def check(message: Message, spec: MessageSpec) -> None:
    """The rules between attributes that one field's type cannot tell. Raises `MessageError`."""
    fault = _attribute_fault(message, spec) or _sealing_fault(message, spec)
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
    if spec.about_subject != (message.subject is not None):
        return "subject", "is needed" if spec.about_subject else "must be absent, since the type is about no client"
    if spec.categorised != (message.category is not None) or spec.categorised != (message.purpose is not None):
        return "category", "and purpose are needed" if spec.categorised else "and purpose must be absent for this type"
    if spec.categories is not None and message.category not in spec.categories:
        return "category", f"must be one of {', '.join(sorted(spec.categories))}"
    if (spec.name == "entry.corrected") != (message.corrects is not None):
        return "corrects", "names the corrected entry in entry.corrected, and is absent elsewhere"
    return None


def _sealing_fault(message: Message, spec: MessageSpec) -> tuple[str, str] | None:
    if message.data.sealed is not None and spec.sealed is None:
        return "data.sealed", "this type seals nothing"
    wholly = message.category in WHOLLY_SEALED
    for name, required in coded_fields_of(spec.facts).items():
        present = getattr(message.facts, name) is not None
        if present and wholly:
            return f"data.facts.{name}", "is a code under a special or criminal category: it belongs into sealed"
        if required and not present and not wholly:
            return f"data.facts.{name}", "is needed"
    return None


@cache
def coded_fields_of(facts: type[Facts]) -> Mapping[str, bool]:
    """`contracts.facts.coded_fields`, remembered."""
    return coded_fields(facts)


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
    content: SealedContent | None = None,
) -> bytes:
    """The exact bytes of a message, ready to be signed, with its content in clear form.

    Raises `MessageError` when a rule of the catalogue is broken, so that nothing wrong is ever signed.
    """
    spec = spec_of(facts)
    if spec.categorised and purpose is None:
        purpose = Purpose.SUPPORT
    clear, sealed = _split(facts, content, wholly=category in WHOLLY_SEALED)
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
        "purpose": purpose,
        "category": category,
        "actor": actor,
        "correlationid": correlationid,
        "causationid": causationid,
        "corrects": corrects,
        "data": {"facts": clear} | ({"sealed": Clear(content=sealed).model_dump(mode="json")} if sealed else {}),
    }
    raw = strict_json.canonical({name: value for name, value in document.items() if value is not None})
    parse(raw)
    return raw


def _split(facts: Facts, content: SealedContent | None, *, wholly: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    clear = facts.model_dump(mode="json", exclude_none=True)
    sealed = content.model_dump(mode="json", exclude_none=True) if content is not None else {}
    if wholly:
        coded = {name: clear.pop(name) for name in coded_fields_of(type(facts)) if name in clear}
        if coded:
            sealed["facts"] = coded
    return clear, sealed


def open_clear(message: Message) -> tuple[Facts, SealedContent | None]:
    """The whole facts and the content of a message in clear form. Raises `MessageError` where they do not follow the type's schema."""
    sealed = message.data.sealed
    if not isinstance(sealed, Clear):
        return message.facts, None
    content = dict(sealed.content)
    spec = message.spec
    try:
        facts = message.facts
        if message.category in WHOLLY_SEALED:
            facts = spec.facts.model_validate_json(
                strict_json.canonical(
                    facts.model_dump(mode="json", exclude_none=True) | cast("dict[str, Any]", content.pop("facts", {}))
                )
            )
        opened = spec.sealed.model_validate_json(strict_json.canonical(content)) if spec.sealed else None
    except ValidationError as error:
        raise MessageError(
            RefusalCode.INVALID_DATA,
            _first(error),
            advice=f"Compare with the schema {spec.schema_id}.",
            field=f"data.sealed.{_field(error)}",
        ) from error
    return facts, opened


def _refuse_nulls(value: object, path: str = "") -> None:
    if isinstance(value, dict):
        for name, member in value.items():
            if member is None:
                raise EnvelopeError(
                    f"null at {path}{name}", advice="Leave out what has no value: null is allowed nowhere."
                )
            if isinstance(member, (dict, list)):
                _refuse_nulls(member, f"{path}{name}.")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            if member is None:
                raise EnvelopeError(
                    f"null at {path}{index}", advice="Leave out what has no value: null is allowed nowhere."
                )
            if isinstance(member, (dict, list)):
                _refuse_nulls(member, f"{path}{index}.")


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

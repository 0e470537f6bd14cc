"""A draft as JSON: what a row's content is compared by, and what a person corrects in quarantine.

Invariants: `read(write(draft)) == draft`; the same draft gives the same bytes.
"""

from datetime import datetime
from typing import Any, cast

from pydantic_core import to_json

from adapters.drafts import ClientKey, Draft
from contracts import strict_json
from contracts.catalogue import CATALOGUE, spec_of
from contracts.categories import Category, Purpose
from contracts.envelope import Message, open_clear
from contracts.names import ActorId, MessageId, MessageType


def write(draft: Draft) -> bytes:
    """The draft as canonical JSON; members that are absent are left out."""
    document = {
        "type": spec_of(draft.facts).type,
        "client": draft.client,
        "time": draft.time.isoformat(),
        "category": None if draft.category is None else draft.category.value,
        "purpose": None if draft.purpose is None else draft.purpose.value,
        "actor": draft.actor,
        "corrects": draft.corrects,
        "causationid": draft.causationid,
        "correlationid": draft.correlationid,
        "local_key": draft.local_key,
        "facts": draft.facts.model_dump(mode="json", exclude_none=True),
        "content": None if draft.content is None else draft.content.model_dump(mode="json", exclude_none=True),
    }
    stated = {name: value for name, value in document.items() if value is not None}
    # the same bytes for what has no decimal fraction in it, as facts have none, in a third of the time
    return to_json(stated) if draft.content is None else strict_json.canonical(stated)


def read(raw: bytes) -> Draft:
    """A draft from its JSON. Raises pydantic's `ValidationError` where facts or content were edited into something else."""
    document = cast("dict[str, Any]", strict_json.parse(raw))
    spec = CATALOGUE[MessageType(document["type"])]
    facts = spec.facts.model_validate_json(strict_json.canonical(document["facts"]))
    content = document.get("content")
    sealed = (
        spec.sealed.model_validate_json(strict_json.canonical(content)) if spec.sealed and content is not None else None
    )
    return Draft(
        client=_optional(ClientKey, document.get("client")),
        facts=facts,
        time=datetime.fromisoformat(document["time"]),
        content=sealed,
        category=_optional(Category, document.get("category")),
        purpose=_optional(Purpose, document.get("purpose")),
        actor=_optional(ActorId, document.get("actor")),
        corrects=_optional(MessageId, document.get("corrects")),
        causationid=_optional(MessageId, document.get("causationid")),
        correlationid=_optional(MessageId, document.get("correlationid")),
        local_key=document.get("local_key"),
    )


def _optional(kind: Any, value: str | None) -> Any:  # noqa: ANN401 - a NewType or a StrEnum, whose result mypy takes from the field
    return None if value is None else kind(value)


def of_message(message: Message, client: ClientKey | None) -> Draft:
    """The draft from which one's own message could have come."""
    facts, content = open_clear(message)
    return Draft(
        client=client,
        facts=facts,
        time=message.time,
        content=content,
        category=message.category,
        purpose=message.purpose,
        actor=message.actor,
        corrects=message.corrects,
        causationid=message.causationid,
        correlationid=message.correlationid,
    )

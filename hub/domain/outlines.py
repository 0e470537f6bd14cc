"""What an accepted message says, whole or as far as it outlived its erasure.

Invariants: an outline is a function of the message alone, so that whoever has both can compare them; what is made of an outline folds to the same
state as the message did; the facts of an erased entry have no values, but for those of a referral.
"""

from contracts.catalogue import CATALOGUE
from contracts.envelope import Data, Message, model_of, parse
from contracts.facts import Clear, Jwe
from contracts.messages.referral import ReferralFacts
from contracts.names import SubjectId
from contracts.sealing.content import sealed_under
from contracts.sealing.jwe import JweError, stub
from hub.domain.events import MessageAccepted, Outline


def outline_of(message: Message, digest: bytes) -> Outline | None:
    """The outline of a message with this digest; None where no erasure covers it, since it bears no category."""
    if message.category is None or message.purpose is None:
        return None
    return Outline.made(
        message_id=message.id,
        source=message.source,
        type=message.type,
        time=message.time,
        programme=message.programme,
        sequence=message.sequence,
        category=message.category,
        purpose=message.purpose,
        corrects=message.corrects,
        digest=digest,
        content_key=_content_key(message),
        facts=_facts(message),
    )


def said_in(event: MessageAccepted) -> Message:
    """What was accepted. Of an erased entry what its outline says. Raises `ContractsError`, and `ValueError` where there is neither."""
    if not event.erased:
        return parse(event.message.payload)
    outline = event.outline
    if outline is None:
        raise ValueError("an erased entry without an outline")
    model = model_of(outline.type)
    spec = CATALOGUE[outline.type]
    facts = spec.facts.model_construct() if outline.facts is None else spec.facts.model_validate_json(outline.facts)
    return model.model_construct(
        specversion="1.0",
        id=outline.message_id,
        source=outline.source,
        type=outline.type,
        time=outline.time,
        datacontenttype="application/json",
        dataschema=spec.schema_id,
        programme=outline.programme,
        sequence=outline.sequence,
        subject=SubjectId(event.key),
        purpose=outline.purpose,
        category=outline.category,
        corrects=outline.corrects,
        data=Data.model_construct(facts=facts, sealed=_sealed(outline.content_key)),
    )


def _content_key(message: Message) -> str | None:
    if message.data.sealed is None:
        return None
    try:
        return sealed_under(message) or ""
    except JweError:
        return ""


def _sealed(content_key: str | None) -> Clear | Jwe | None:
    if content_key is None:
        return None
    return Jwe.model_construct(jwe=stub(content_key)) if content_key else Clear.model_construct(content={})


def _facts(message: Message) -> str | None:
    facts = message.facts
    if not isinstance(facts, ReferralFacts):
        return None
    return facts.model_dump_json(exclude=set(message.spec.coded), exclude_none=True)

"""What every reader of a resource needs: where the import stands, how a draft is named, and how facts are made of values.

Invariants: facts follow the message's schema or are refused with the element that they came from; a draft's local key names mapping, resource and
part, so that the same resource again is the same message.
"""

import hmac
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from adapters.connectors.fhir.elements import Element
from adapters.connectors.fhir.resources import Resource, Resources
from adapters.connectors.fhir.systems import CATEGORY_FROM_GUIDE, GUIDE_CODES, Json, system_of
from adapters.connectors.refusal import CellError, RefusalReason
from adapters.connectors.rule_drafts import Withdrawal
from adapters.drafts import ClientKey, Draft
from contracts import strict_json
from contracts.categories import Category
from contracts.facts import Facts, SealedContent, coded_fields
from contracts.messages.entry import CorrectionContent, EntryCorrected
from contracts.messages.referral import ReferralFacts
from contracts.names import MessageId, ReferralId, UnitId
from contracts.referral_table import ReferralState

MAPPING: Final = "fhir-sdoh"
AHEAD: Final = timedelta(minutes=10)
_Model = TypeVar("_Model", bound=BaseModel)

Standing = Callable[[ClientKey, ReferralId], ReferralState | None]
"""Where a referral stands at this unit; None for one that it does not know."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the resources do not say."""

    resources: Resources
    zone: tzinfo
    now: datetime
    secret: bytes
    refuse: Callable[[Resource, CellError], None]
    standing: Standing
    known: Callable[[str], bool] = lambda _entry: False
    """Whether an entry of this id is at this unit already: what was exported here and comes back."""
    own: UnitId | None = None
    """The unit that imports; None in a dry run: any unit's part is counted."""
    institution: str | None = None

    def reference(self, name: str, text: str) -> str:
        """The id that stands for a text, the same at every import (as of a mapping's `reference`)."""
        mac = bytearray(hmac.digest(self.secret, f"{len(name)}:{name}{text}".encode(), "sha256")[:16])
        mac[6] = 0x80 | (mac[6] & 0x0F)
        mac[8] = 0x80 | (mac[8] & 0x3F)
        return str(uuid.UUID(bytes=bytes(mac)))

    def past(self, element: Element, name: str, moment: datetime) -> datetime:
        """A moment that has come. Raises `CellError` for one that has not."""
        if moment > self.now + AHEAD:
            raise element.fault(RefusalReason.IN_FUTURE, name, moment.isoformat())
        return moment


def to_tell(context: Context, resource: Resource, author: Element | None, place: str) -> bool:
    """False for an own entry that is here already. Raises `CellError` for another unit's, which comes from that unit itself."""
    unit = context.resources.unit(author)
    if unit is None or context.own is None:
        return True
    if unit != context.own:
        detail = "its author tells it, through the connection"
        raise resource.element.fault(RefusalReason.NO_COUNTERPART, place, unit, detail)
    return not context.known(resource.element.need_text("id"))


def local_key(resource: Resource, part: str = "") -> str:
    """What names a message over all imports."""
    return f"{MAPPING}/{resource.name}" + (f"/{part}" if part else "")


def draft(  # noqa: PLR0913 - one keyword a part of the draft
    context: Context,
    resource: Resource,
    client: ClientKey,
    facts: Facts,
    *,
    time: datetime,
    category: Category | None,
    content: SealedContent | None = None,
    part: str = "",
    correlationid: str | None = None,
) -> Draft:
    """The draft that a resource, or a part of it, became."""
    return Draft(
        client=client,
        facts=facts,
        time=time,
        content=content if content is not None and content.model_dump(exclude_none=True) else None,
        category=category,
        local_key=local_key(resource, part),
        # a referral's moves are told as they come: a Task touched later is no later state of an earlier move
        changed_at=None if isinstance(facts, ReferralFacts) else resource.updated(context.zone),
        correlationid=None if correlationid is None else MessageId(correlationid),
    )


def taken_back(resource: Resource, client: ClientKey, category: Category | None, time: datetime) -> Withdrawal:
    """What a resource entered in error asks for: a correction of what it once became."""
    facts, content = (
        EntryCorrected(reason="entered-in-error"),
        CorrectionContent(note="Entered in error where it was made."),
    )
    key = local_key(resource)
    return Withdrawal(key, Draft(client, facts, time, content, category, local_key=f"{key}/deleted"))


def built(model: type[_Model], values: Json, element: Element, places: Mapping[str, str]) -> _Model:
    """A model of values; `places` are the elements that fields come from. Raises `CellError`."""
    present = {name: value for name, value in values.items() if value is not None}
    try:
        return model.model_validate_json(strict_json.canonical(present))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        place = places.get(name, "extension")
        if name not in present:
            raise element.missing(place) from None
        raise element.fault(RefusalReason.NOT_ALLOWED, place, str(present[name]), first["msg"]) from None


def need_coded(facts: Facts, element: Element, places: Mapping[str, str]) -> None:
    """Refuse facts without a code that the message cannot be without. Raises `CellError`."""
    for name, required in coded_fields(type(facts)).items():
        if required and getattr(facts, name) is None:
            raise element.missing(places.get(name, "extension"))


def category_of(element: Element, name: str) -> Category:
    """The one category that codes of ours, else of the guide, say. Raises `CellError` for none, an unknown one or several."""
    codings = element.codings(name)
    ours = {one.code for one in codings if one.system == system_of("category")}
    guide = [one for one in codings if one.system == GUIDE_CODES]
    unknown = [one for one in guide if one.code not in CATEGORY_FROM_GUIDE]
    if len(ours) == 1:
        (only,) = ours
        try:
            return Category(only)
        except ValueError:
            raise element.fault(RefusalReason.UNKNOWN_CODE, name, only) from None
    found = {CATEGORY_FROM_GUIDE[one.code] for one in guide if one.code in CATEGORY_FROM_GUIDE}
    if unknown or ours:
        raise element.fault(RefusalReason.UNKNOWN_CODE, name, unknown[0].code if unknown else ", ".join(sorted(ours)))
    if not found:
        raise element.missing(name)
    if len(found) > 1:
        several = ", ".join(one.code for one in guide)
        raise element.fault(RefusalReason.DIFFERS, name, several, "an entry has one category")
    return next(iter(found))

"""From the resources of an import to drafts and refusals.

Invariants: each resource becomes messages, is read for somebody else's message, or is refused with a reason: none is dropped silently; consents come
first, referrals before what was done under them, and a fault of one costs no other its message.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from adapters.connectors.fhir.read_consent import consent
from adapters.connectors.fhir.read_referral import ReferralReading
from adapters.connectors.fhir.read_services import condition, observation, procedure
from adapters.connectors.fhir.reading import Context
from adapters.connectors.fhir.referral_groups import Group, groups
from adapters.connectors.fhir.resources import Resource
from adapters.connectors.refusal import CellError, RefusalReason
from adapters.connectors.source_drafting import Made
from contracts.names import ReferralId

MESSAGES: Final = frozenset({"Consent", "Task", "Procedure", "Condition", "Observation"})
"""Types that become messages; others are read for these."""

Read = Callable[[Context, Resource], Made | None]


def made(context: Context) -> Iterator[Made]:
    """All drafts and withdrawals; refusals go where the context says."""
    for resource in context.resources.of("Consent"):
        try:
            yield from consent(context, resource)
        except CellError as error:
            context.refuse(resource, error)
    found = groups(context)
    for group in found:
        yield from _referral(context, group)
    yield from _each(context, "Condition", condition)
    yield from _each(context, "Observation", observation)
    referrals = _by_request(found)
    yield from _each(context, "Procedure", lambda here, resource: procedure(here, resource, referrals))
    _refuse_rest(context)


def _referral(context: Context, group: Group) -> Iterator[Made]:
    try:
        yield from ReferralReading.of(context, group).made()
    except CellError as error:
        context.refuse(group.first.resource, error)


def _each(context: Context, kind: str, read: Read) -> Iterator[Made]:
    for resource in context.resources.of(kind):
        try:
            found = read(context, resource)
        except CellError as error:
            context.refuse(resource, error)
        else:
            if found is not None:
                yield found


def _by_request(found: list[Group]) -> Mapping[str, ReferralId]:
    """Referrals by what they ask for, as far as one request has one referral only; a referral's own id will do too."""
    several: dict[str, set[ReferralId]] = {}
    for group in found:
        several.setdefault(group.request.name, set()).add(group.referral_id)
    return {name: next(iter(ids)) for name, ids in several.items() if len(ids) == 1}


def _refuse_rest(context: Context) -> None:
    for resource in context.resources.every:
        if resource.kind not in MESSAGES and id(resource) not in context.resources.used:
            detail = "no entry here, and none of the entries refers to it"
            context.refuse(resource, CellError(RefusalReason.NO_COUNTERPART, column=resource.kind, detail=detail))

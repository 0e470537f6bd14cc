"""Which Tasks are one referral.

Invariants: a server that keeps each state as a resource of its own (as the guide's examples do: Accepted and Completed with one `authoredOn`) tells
one referral, not two; what makes it one is what it asks for, for whom, by whom, of whom; dates do not count, since they may be wrong. The order of a
group is the order in which its states can follow each other; parents come before what is part of them, whatever their dates say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from adapters.connectors.fhir.elements import Element
from adapters.connectors.fhir.reading import Context
from adapters.connectors.fhir.resources import Resource
from adapters.connectors.fhir.systems import GUIDE, REFERRAL_ID
from adapters.connectors.refusal import CellError, RefusalReason
from contracts.names import ReferralId
from contracts.referral_standing import (
    BUSINESS_STATUS_SYSTEM,
    BusinessStatus,
    TaskStanding,
    TaskStatus,
    from_task,
    moves_between,
)
from contracts.referral_table import ReferralState

_FOR_PATIENT: Final = f"{GUIDE}/StructureDefinition/SDOHCC-TaskForPatient"
_FULFILL: Final = "fulfill"
_LAST: Final = 99


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One Task: a referral as it stood at some time."""

    resource: Resource
    state: ReferralState

    @property
    def element(self) -> Element:
        """The Task."""
        return self.resource.element

    @property
    def progress(self) -> int:
        """How many moves lead here; what only the hub can tell comes last."""
        made = moves_between(ReferralState.SENT, self.state)
        return _LAST if made is None else len(made)


@dataclass(slots=True)
class Group:
    """The Tasks of one referral, in the order of their states."""

    key: str
    referral_id: ReferralId
    request: Resource
    snapshots: list[Snapshot]
    depth: int = 0
    """How many referrals it is part of."""
    parent: "Group | None" = None
    """The referral that it is part of."""

    @property
    def first(self) -> Snapshot:
        """The earliest state."""
        return self.snapshots[0]

    @property
    def last(self) -> Snapshot:
        """The latest state."""
        return self.snapshots[-1]


def groups(context: Context) -> list[Group]:
    """All referrals, parents first. What is no referral is refused."""
    found: dict[str, Group] = {}
    for resource in context.resources.of("Task"):
        try:
            snapshot = Snapshot(resource, state_of(resource.element))
            request = _request(context, resource)
            key = _key(context, resource.element, request)
            _parents(context, resource.element)
            own_id = _referral_id(context, resource.element, key)
        except CellError as error:
            context.refuse(resource, error)
            continue
        group = found.setdefault(key, Group(key, own_id, request, []))
        group.snapshots.append(snapshot)
    for group in found.values():
        group.snapshots.sort(key=lambda one: one.progress)
    _nest(context, found.values())
    return sorted(found.values(), key=lambda one: one.depth)


def state_of(task: Element) -> ReferralState:
    """The state that status and business status say. Raises `CellError`."""
    status = task.need_text("status")
    business = task.code_of("businessStatus", BUSINESS_STATUS_SYSTEM)
    try:
        standing = TaskStanding(TaskStatus(status), None if business is None else BusinessStatus(business))
    except ValueError:
        known = status in set(TaskStatus)
        name, value = ("businessStatus", business or "") if known else ("status", status)
        raise task.fault(RefusalReason.UNKNOWN_CODE, name, value) from None
    state = from_task(standing)
    if state is not None:
        return state
    if business is None:
        raise task.fault(RefusalReason.NO_COUNTERPART, "status", status, "not sent yet")
    raise task.fault(RefusalReason.DIFFERS, "businessStatus", business, f"contradicts status {status}")


def _request(context: Context, resource: Resource) -> Resource:
    task = resource.element
    if any(one == _FOR_PATIENT for one in _profiles(task)):
        raise task.fault(
            RefusalReason.NO_COUNTERPART, "meta.profile", _FOR_PATIENT, "a task for the client is no referral"
        )
    code = task.codings("code")
    if code and all(one.code != _FULFILL for one in code):
        raise task.fault(RefusalReason.NO_COUNTERPART, "code", code[0].shown, "a referral fulfils a request")
    return context.resources.need(task, "focus")


def _profiles(task: Element) -> list[str]:
    meta = task.child("meta")
    found = [] if meta is None else meta.value.get("profile", [])
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _key(context: Context, task: Element, request: Resource) -> str:
    client = context.resources.client(task, "for")
    parties = [_named(task.child(name)) for name in ("requester", "owner")]
    return "\n".join([client, request.name, *parties])


def _named(reference: Element | None) -> str:
    return "" if reference is None else reference.text("reference") or reference.text("display") or ""


def _referral_id(context: Context, task: Element, key: str) -> ReferralId:
    for one in task.children("identifier"):
        if one.text("system") == REFERRAL_ID and (own := one.text("value")) is not None:
            return ReferralId(own)
    return ReferralId(context.reference("fhir-referral", key))


def _nest(context: Context, found: Iterable[Group]) -> None:
    by_task = {id(one.resource): group for group in found for one in group.snapshots}
    for group in by_task.values():
        group.parent = _parent(context, group, by_task)
    for group in by_task.values():
        group.depth = _depth(group)


def _parent(context: Context, group: Group, by_task: Mapping[int, Group]) -> Group | None:
    for snapshot in group.snapshots:
        for found in _parents(context, snapshot.element):
            parent = by_task.get(id(found))
            if parent is not None and parent is not group:
                return parent
    return None


def _parents(context: Context, task: Element) -> list[Resource]:
    """The Tasks that it says it is part of, as far as they are here. Raises `CellError`."""
    found = [context.resources.find(one) for one in task.children("partOf")]
    return [one for one in found if one is not None]


def _depth(group: Group) -> int:
    """How many are above it; Tasks that are part of each other end the count."""
    seen = {group.key}
    at = group.parent
    while at is not None and at.key not in seen:
        seen.add(at.key)
        at = at.parent
    return len(seen)

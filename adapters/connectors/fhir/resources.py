"""The resources of one import, and how they refer to each other.

Invariants: a reference leads to the resource of its type and id, or by its full address, or nowhere; what others were read for counts as used.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final

from adapters.connectors.fhir.elements import Element
from adapters.connectors.fhir.systems import CASE_NUMBER, UNIT
from adapters.connectors.refusal import RefusalReason
from adapters.drafts import ClientKey
from contracts.names import UnitId

_TYPE_AND_ID: Final = 2


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource and its place: file, and number in it."""

    kind: str
    element: Element
    file: str
    number: int
    url: str | None = None

    @property
    def name(self) -> str:
        """Type and id, as references write them. Raises `CellError` without id."""
        return f"{self.kind}/{self.element.need_text('id')}"

    def updated(self, zone: tzinfo) -> datetime | None:
        """When it was last changed where it comes from, as far as it says so."""
        meta = self.element.child("meta")
        return None if meta is None else meta.moment("lastUpdated", zone)


@dataclass(slots=True)
class Resources:
    """All resources of an import."""

    every: list[Resource] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    """By identity: resources that said something to a message."""
    _by_name: dict[str, Resource] = field(default_factory=dict)

    def add(self, resource: Resource) -> None:
        """One more. The same name twice: raises `CellError`, and the first stays."""
        if resource.name in self._by_name:
            raise resource.element.fault(RefusalReason.KEY_TWICE, "id", resource.name)
        self.every.append(resource)
        self._by_name[resource.name] = resource
        if resource.url is not None:
            self._by_name.setdefault(resource.url, resource)

    def of(self, *kinds: str) -> Iterator[Resource]:
        """Those of some types, in their order."""
        return (one for one in self.every if one.kind in kinds)

    def find(self, reference: Element | None) -> Resource | None:
        """What a reference leads to; None where it is not here."""
        if reference is None:
            return None
        named = reference.text("reference")
        if named is None:
            return None
        found = self._by_name.get(named) or self._by_name.get(name_of(named))
        if found is not None:
            self.used.add(id(found))
        return found

    def need(self, holder: Element, name: str) -> Resource:
        """What a reference leads to. Raises `CellError` where it is not here."""
        reference = holder.need(name)
        found = self.find(reference)
        if found is None:
            raise holder.fault(RefusalReason.NO_SUCH_ROW, name, reference.text("reference") or "")
        return found

    def use(self, resources: Iterable[Resource]) -> None:
        """These said something to a message."""
        self.used |= {id(one) for one in resources}

    def client(self, holder: Element, name: str) -> ClientKey:
        """The unit's own name of the client: its case number where the Patient bears one of ours, else the Patient's id."""
        reference = holder.need(name)
        found = self.find(reference)
        for one in () if found is None else found.element.children("identifier"):
            if one.text("system") == CASE_NUMBER:
                return ClientKey(one.need_text("value"))
        kind, _, own = name_of(reference.need_text("reference")).partition("/")
        if kind != "Patient" or not own:
            raise reference.fault(
                RefusalReason.NOT_ALLOWED, "reference", reference.text("reference") or "", "no Patient"
            )
        return ClientKey(own)

    def unit(self, reference: Element | None) -> UnitId | None:
        """The unit of the exchange that a reference means; None for anybody else."""
        if reference is None:
            return None
        found = self.find(reference)
        identifiers = [] if found is None else found.element.children("identifier")
        own = reference.child("identifier")
        for one in ([] if own is None else [own]) + identifiers:
            if one.text("system") == UNIT:
                return UnitId(one.need_text("value"))
        return None

    def institution(self, reference: Element | None) -> str | None:
        """The id of the Organization behind a reference, also by way of a role; None where it leads to none."""
        found = self.find(reference)
        if found is not None and found.kind == "PractitionerRole":
            return self.institution(found.element.child("organization"))
        named = "" if reference is None else name_of(reference.text("reference") or "")
        kind, _, own = named.partition("/")
        return own if kind == "Organization" else None


def name_of(reference: str) -> str:
    """Type and id of a reference, also of an absolute one, without its version."""
    parts = reference.split("/_history/", maxsplit=1)[0].split("/")
    return "/".join(parts[-_TYPE_AND_ID:])

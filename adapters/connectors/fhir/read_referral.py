"""A referral's resources to its messages.

Invariants: one referral is sent once, however many Tasks tell of it; moves follow the referral table from where this unit knows it to where the last
Task says it stands, or each as its Provenance tells it; a move without the code that it needs is refused, and with it what comes behind it. Of a
partner outside the programme everything is as reported. A unit tells its own part only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.connectors.fhir import fields
from adapters.connectors.fhir.elements import Element
from adapters.connectors.fhir.move_facts import facts_of_move
from adapters.connectors.fhir.reading import Context, built, category_of, draft
from adapters.connectors.fhir.referral_groups import Group, Snapshot
from adapters.connectors.fhir.referral_history import Told, history
from adapters.connectors.fhir.resources import Resource
from adapters.connectors.fhir.systems import CORRELATION, service_code, system_of
from adapters.connectors.refusal import CellError, RefusalReason
from adapters.connectors.source_drafting import Made
from adapters.drafts import ClientKey
from contracts.categories import Category
from contracts.code_lists import codes
from contracts.facts import Facts
from contracts.messages.referral import STATUS_MESSAGES, ReferralContent, ReferralSent
from contracts.names import UnitId
from contracts.referral_standing import moves_between
from contracts.referral_table import TABLE, ReferralState, Role

NO_DEADLINE: Final = timedelta(days=3653)
"""A Task without a deadline is asked of nobody by a timer: ten years, as with HMIS."""
NAMES: Final[Mapping[type[Facts], str]] = {facts: name for name, facts in STATUS_MESSAGES.items()}
"""The last part of each move's type."""
_PART: Final = "before the referral that it is part of; kept as it stands"
_PLACES: Final = {"answer_due": "restriction.period.end", "kind": "category", "service": "code", "parent": "replaces"}


@dataclass(frozen=True, slots=True)
class Parties:
    """Who sends and who is asked, as far as they are units here."""

    source: UnitId | None
    target: UnitId | None
    own: UnitId | None

    @property
    def external(self) -> bool:
        """True where who is asked is no unit here."""
        return self.target is None

    def tells(self, author: UnitId | None) -> bool:
        """Whether what this author says is this import's to tell."""
        return self.own is None or author is None or author == self.own

    def author_of(self, move: type[Facts]) -> UnitId | None:
        """Who says a move of which only the result is known."""
        roles = TABLE[move].roles
        by_target = Role.TARGET in roles and Role.SOURCE not in roles
        return self.target if by_target and not self.external else self.source


@dataclass(frozen=True, slots=True)
class ReferralReading:
    """One group, to be read."""

    context: Context
    group: Group
    client: ClientKey
    category: Category
    parties: Parties

    @classmethod
    def of(cls, context: Context, group: Group) -> "ReferralReading":
        """Raises `CellError` where client, category or parties are not what they must be."""
        task = group.first.element
        find = context.resources
        requester = task.child("requester")
        parties = Parties(find.unit(requester), find.unit(task.child("owner")), context.own)
        wanted = context.institution
        if wanted is not None and find.institution(requester) != wanted:
            shown = "" if requester is None else requester.text("reference") or ""
            raise task.fault(RefusalReason.NO_COUNTERPART, "requester", shown, f"not of institution {wanted}")
        if parties.source is not None and not (parties.tells(parties.source) or parties.tells(parties.target)):
            raise task.fault(RefusalReason.NO_COUNTERPART, "requester", parties.source, "between two other units")
        client = find.client(task, "for")
        return cls(context, group, client, category_of(group.request.element, "category"), parties)

    def made(self) -> Iterator[Made]:
        """Its messages. Raises `CellError` where it cannot even be sent."""
        self.context.resources.use(one.resource for one in self.group.snapshots)
        told = history(self.context, self.group)
        yield from self._as_told(told) if told else self._as_it_stands()

    def _as_told(self, told: list[Told]) -> Iterator[Made]:
        """Each move as its Provenance tells it."""
        for one in told:
            author = self.context.resources.unit(one.agent)
            if not self.parties.tells(author):
                detail = "its author tells it, through the connection"
                refusal = one.provenance.element.fault(RefusalReason.NO_COUNTERPART, "agent", author or "", detail)
                self.context.refuse(one.provenance, refusal)
            elif self.context.own is not None and self.context.known(one.provenance.element.need_text("id")):
                continue
            elif one.move is ReferralSent:
                yield self._draft(one.provenance, self._sent(one.time), one.time, one.content)
            else:
                yield self._draft(one.provenance, one.facts(self.group.referral_id), one.time, one.content)

    def _as_it_stands(self) -> Iterator[Made]:
        known = self.context.standing(self.client, self.group.referral_id)
        first = self.group.first
        sent_at = self._authored(first)
        if self.parties.tells(self.parties.source) and known is None:
            self._compare_dates(sent_at)
            content = self._external_target(first.element)
            yield self._draft(first.resource, self._sent(sent_at), sent_at, content, "sent")
        start = known or ReferralState.SENT
        at = sent_at
        for snapshot in self.group.snapshots if known is None else self.group.snapshots[-1:]:
            try:
                at = max(at, self._moment(snapshot, sent_at))
                yield from self._moves(snapshot, start, at)
            except CellError as error:
                self.context.refuse(snapshot.resource, error)
                return
            start = snapshot.state

    def _moves(self, snapshot: Snapshot, start: ReferralState, at: datetime) -> Iterator[Made]:
        made = moves_between(start, snapshot.state)
        if made is None:
            detail = f"no way from {start.value} to {snapshot.state.value}"
            raise snapshot.element.fault(RefusalReason.DIFFERS, "status", snapshot.element.text("status") or "", detail)
        for move in made:
            if not self.parties.tells(self.parties.author_of(move)):
                continue
            facts = facts_of_move(self.context, snapshot, move, self.group.referral_id, external=self.parties.external)
            part = f"{NAMES[move]}/{at.isoformat()}"
            yield self._draft(snapshot.resource, facts, at, None, part)

    def _moment(self, snapshot: Snapshot, sent_at: datetime) -> datetime:
        """When it came to stand so: as far as it says, else no earlier than it was made."""
        task, zone = snapshot.element, self.context.zone
        found = task.moment("lastModified", zone) or snapshot.resource.updated(zone)
        if found is None and snapshot.state in {ReferralState.COMPLETED, ReferralState.CLOSED}:
            found = self._done_at(task)
        if found is None:
            return sent_at
        if found < sent_at:
            self.context.refuse(
                snapshot.resource,
                task.fault(RefusalReason.BEFORE, "lastModified", found.isoformat(), "before it was sent"),
            )
        return self.context.past(task, "lastModified", max(found, sent_at))

    def _done_at(self, task: Element) -> datetime | None:
        zone = self.context.zone
        period = task.child("executionPeriod")
        ends = [] if period is None else [period.moment("end", zone)]
        for output in task.children("output"):
            done = self.context.resources.find(output.child("valueReference"))
            if done is not None and done.kind == "Procedure":
                performed = done.element.child("performedPeriod")
                ends.append(done.element.moment("performedDateTime", zone))
                ends += [] if performed is None else [performed.moment("end", zone)]
        return max((one for one in ends if one is not None), default=None)

    def _authored(self, snapshot: Snapshot) -> datetime:
        task = snapshot.element
        found = task.moment("authoredOn", self.context.zone)
        if found is None:
            raise task.missing("authoredOn")
        return self.context.past(task, "authoredOn", found)

    def _compare_dates(self, sent_at: datetime) -> None:
        """Say where dates of one referral cannot all be true. They stay as they are: the order of states does not hang on them."""
        for snapshot in self.group.snapshots[1:]:
            other = snapshot.element.moment("authoredOn", self.context.zone)
            if other is not None and other != sent_at:
                detail = f"another state of the same referral says {sent_at.isoformat()}, which is kept"
                fault = snapshot.element.fault(RefusalReason.DIFFERS, "authoredOn", other.isoformat(), detail)
                self.context.refuse(snapshot.resource, fault)
        parent = None if self.group.parent is None else self.group.parent.first
        before = None if parent is None else parent.element.moment("authoredOn", self.context.zone)
        if before is not None and sent_at < before:
            fault = self.group.first.element.fault(RefusalReason.BEFORE, "authoredOn", sent_at.isoformat(), _PART)
            self.context.refuse(self.group.first.resource, fault)

    def _sent(self, sent_at: datetime) -> ReferralSent:
        request, task = self.group.request.element, self.group.first.element
        restriction = task.child("restriction")
        period = None if restriction is None else restriction.child("period")
        due = None if period is None else period.moment("end", self.context.zone)
        values: dict[str, Any] = fields.read(request) | {
            "referral_id": self.group.referral_id,
            "kind": self._kind(request),
            "target": self.parties.target,
            "external": self.parties.external,
            "answer_due": (due or sent_at + NO_DEADLINE).isoformat(),
            "service": self._service(request),
            "parent": self._replaced(request),
        }
        return built(ReferralSent, values, request, _PLACES)

    def _kind(self, request: Element) -> str:
        told = [one.code for one in request.codings("category") if one.system == system_of("referral-kind")]
        if told and told[0] not in codes("referral-kind"):
            raise request.fault(RefusalReason.UNKNOWN_CODE, "category", told[0], "not in the list referral-kind")
        return told[0] if told else "referral"

    def _service(self, request: Element) -> str | None:
        """The service asked for; an unknown system's code is reported and left out, since a referral can be without."""
        codings = [one for one in request.codings("code") if one.system != system_of("category")]
        known = [found for one in codings if (found := service_code(one.system, one.code)) is not None]
        if codings and not known:
            fault = request.fault(RefusalReason.UNKNOWN_CODE, "code", codings[0].shown, "an unknown code system")
            self.context.refuse(self.group.request, fault)
        return known[0] if known else None

    def _replaced(self, request: Element) -> str | None:
        for reference in request.children("replaces"):
            named = (reference.text("reference") or "").rpartition("/")[2]
            found = self.context.resources.find(reference)
            own = [] if found is None else found.element.children("identifier")
            return next((one.text("value") for one in own), None) or named
        return None

    def _external_target(self, task: Element) -> ReferralContent | None:
        """Who outside the programme is asked: written content, sealed."""
        if not self.parties.external:
            return None
        owner = task.child("owner")
        found = self.context.resources.find(owner)
        name = None if found is None else found.element.text("name")
        name = name or (None if owner is None else owner.text("display"))
        return None if name is None else ReferralContent(external_target=name[:200])

    def _draft(
        self, resource: Resource, facts: Facts, at: datetime, content: ReferralContent | None, part: str = ""
    ) -> Made:
        return draft(
            self.context,
            resource,
            self.client,
            facts,
            time=at,
            category=self.category,
            content=content,
            part=part,
            correlationid=self._correlation(),
        )

    def _correlation(self) -> str | None:
        group = self.group.first.element.child("groupIdentifier")
        if group is not None and group.text("system") == CORRELATION:
            return group.text("value")
        return None if self.group.parent is None else self.group.parent.referral_id

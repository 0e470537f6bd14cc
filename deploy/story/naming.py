"""Names for the messages in the log, by what stands in them: so that the log can be laid beside a table made by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.catalogue import CATALOGUE, PREFIX, Audience
from contracts.envelope import Message
from contracts.messages.referral import ReferralFacts, ReferralSent
from contracts.names import ReferralId, SubjectId, UnitId
from deploy.story.expected import Named
from deploy.story.stores import Logged, Stores
from hub.domain.events import Event, Given, MessageAccepted

CATEGORISED: Final = frozenset({Audience.GROUNDED, Audience.REFERRAL, Audience.REFERRAL_PARTIES})


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted message that bears a category."""

    position: int
    name: Named
    decided_on: str
    """Month and day on which the hub decided it."""
    audience: Audience
    decided_for: frozenset[str]
    """Whom intake recorded as recipients."""


def entries(stores: Stores, subject: SubjectId) -> Sequence[Entry]:
    """The categorised messages about a subject, in the order of the log."""
    accepted = [one for one in stores.hub.log if one.message is not None and one.message.subject == subject]
    labels = _labels(accepted)
    return [
        Entry(
            position=one.position,
            name=_name(one.message, labels, stores),
            decided_on=day_of(one.event, stores),
            audience=audience_of(one.message),
            decided_for=frozenset(given.unit for given in _recipients(one.event)),
        )
        for one in accepted
        if one.message is not None and audience_of(one.message) in CATEGORISED
    ]


def given_by(stores: Stores) -> Mapping[int, frozenset[UnitId]]:
    """By position: the units whose feed has a slot for it."""
    given: dict[int, set[UnitId]] = {}
    for slot in stores.hub.slots:
        given.setdefault(slot.position, set()).add(slot.unit)
    return {position: frozenset(units) for position, units in given.items()}


def given_until(stores: Stores, entry: Entry, day: str, given: Mapping[int, frozenset[UnitId]]) -> frozenset[str]:
    """Whom the log had given an entry to by the end of a day: as decided, and by the back-fills ordered until then."""
    filled = {
        order.unit
        for one in stores.hub.log[entry.position :]
        if isinstance(one.event, MessageAccepted) and one.message is not None and one.message.subject == stores.karel
        for order in one.event.backfills
        if order.source == entry.name[0] and order.through >= entry.position and day_of(one.event, stores) <= day
    }
    return entry.decided_for | (filled & given.get(entry.position, frozenset()))


def audience_of(message: Message) -> Audience:
    """Who is given messages of this type."""
    return CATALOGUE[message.type].audience


def day_of(event: Event, stores: Stores) -> str:
    """Month and day of the log's time, in the programme's zone."""
    return f"{event.at.astimezone(stores.zone):%m-%d}"


def short(message: Message) -> str:
    """The type without prefix and version."""
    return message.type.removeprefix(PREFIX).rsplit(".", 1)[0]


def _labels(accepted: Sequence[Logged]) -> Mapping[ReferralId, str]:
    sent = [one.message.facts for one in accepted if one.message and isinstance(one.message.facts, ReferralSent)]
    return {facts.referral_id: f"R{number}" for number, facts in enumerate(sent, start=1)}


def _name(message: Message | None, labels: Mapping[ReferralId, str], stores: Stores) -> Named:
    assert message is not None  # noqa: S101 - the caller looked
    facts = message.facts
    label = labels.get(facts.referral_id, "?") if isinstance(facts, ReferralFacts) else "-"
    category = "-" if message.category is None else message.category.value
    return (str(message.unit), short(message), category, f"{message.time.astimezone(stores.zone):%m-%d}", label)


def _recipients(event: Event) -> Sequence[Given]:
    return event.recipients if isinstance(event, MessageAccepted) else ()

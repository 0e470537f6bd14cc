"""Promise 1: nothing accepted is lost, nothing applies twice."""

from collections import Counter
from collections.abc import Mapping, Sequence

from adapters.storage.journal import EntryKind
from adapters.storage.outbox import OutboxState
from contracts.delivery import first_link, next_link
from contracts.names import HUB, MessageId, ProgrammeId, Source, UnitId, source_of
from contracts.receipt import Receipt
from deploy.story.places import PROGRAMME
from deploy.story.promises.finding import Finding, Promise
from deploy.story.stores import Logged, Sent, Slot, Stores, UnitStores
from hub.domain.events import MessageRefused

_DONE = frozenset({OutboxState.ACCEPTED, OutboxState.REFUSED})


def judge(stores: Stores) -> Promise:
    """Outboxes against the log, the log against itself, feeds against journals, and what the faults cost."""
    finding = Finding("1-nothing-lost", "Nothing accepted is lost, nothing applies twice")
    _outboxes(stores, finding)
    _log(stores, finding)
    _feeds(stores, finding)
    _faults(stores, finding)
    return finding.promise()


def _identity(one: Logged) -> tuple[Source, MessageId]:
    """By which source and id an event stands in the log."""
    if isinstance(one.event, MessageRefused):
        return one.event.source, one.event.message_id
    assert one.message is not None  # noqa: S101 - an accepted event has its message
    return one.message.source, one.message.id


def _outboxes(stores: Stores, finding: Finding) -> None:
    logged = Counter(_identity(one) for one in stores.hub.log)
    sent = 0
    for unit, found in stores.units.items():
        source = source_of(ProgrammeId(PROGRAMME), unit)
        sent += len(found.sent)
        for one in found.sent:
            finding.must(one.state in _DONE, f"{unit}: {one.message_id} is {one.state}")
            finding.same(logged[source, one.message_id], 1, f"events of {unit}'s {one.message_id}")
            finding.must(_answered(one), f"{unit}: no receipt of {one.message_id}")
        in_log = {message_id for author, message_id in logged if author == source}
        finding.same(in_log - {one.message_id for one in found.sent}, set(), f"in the log, not in {unit}'s outbox")
    finding.fact(f"{sent} messages left {len(stores.units)} outboxes, each with one receipt and one event in the log")


def _answered(one: Sent) -> bool:
    return one.receipt is not None and Receipt.model_validate_json(one.receipt.payload).digest == one.digest


def _log(stores: Stores, finding: Finding) -> None:
    positions = [one.position for one in stores.hub.log]
    finding.same(positions, list(range(len(positions))), "positions of the log")
    numbers: dict[tuple[Source, str], list[int]] = {}
    for one in stores.hub.log:
        if one.message is not None and one.message.unit != HUB:
            numbers.setdefault((one.message.source, one.message.key), []).append(one.message.sequence)
        elif isinstance(one.event, MessageRefused) and one.event.advances:
            numbers.setdefault((one.event.source, one.event.key), []).append(one.event.sequence)
    gaps = [key for key, found in numbers.items() if found != list(range(1, len(found) + 1))]
    finding.same(gaps, [], "sources with gaps or repeats in their numbers")
    finding.fact(f"{len(positions)} positions and {len(numbers)} numberings without gap or repeat")


def _feeds(stores: Stores, finding: Finding) -> None:
    slots: dict[UnitId, list[Slot]] = {unit: [] for unit in stores.units}
    for slot in stores.hub.slots:
        slots[slot.unit].append(slot)
    for unit, feed in slots.items():
        _chain(unit, feed, stores.units[unit], finding)
        _journal(unit, feed, stores, finding)
    finding.fact(f"{len(stores.hub.slots)} slots on {len(slots)} feeds, linked without gap, each taken in once")


def _chain(unit: UnitId, feed: Sequence[Slot], taken: UnitStores, finding: Finding) -> None:
    finding.same([slot.sequence for slot in feed], list(range(1, len(feed) + 1)), f"slots of {unit}'s feed")
    link = first_link(programme=ProgrammeId(PROGRAMME), recipient=unit, shard=0, generation=1)
    for slot in feed:
        link = next_link(link, recipient=unit, sequence=slot.sequence, position=slot.position, digest=slot.digest)
        finding.must(link == slot.link, f"{unit}'s feed is not linked at {slot.sequence}")
    if feed:
        finding.same(taken.chain, (feed[-1].sequence, link), f"where {unit} stands in its feed")
    finding.same(len({slot.position for slot in feed}), len(feed), f"different entries on {unit}'s feed")


def _journal(unit: UnitId, feed: Sequence[Slot], stores: Stores, finding: Finding) -> None:
    about_people = {slot.sequence for slot in feed if _subject_of(stores, slot.position) is not None}
    entries = stores.units[unit].journal
    taken = Counter(one.feed_sequence for one in entries if one.kind is not EntryKind.OWN and one.subject is not None)
    finding.same(set(taken), about_people, f"slots in {unit}'s journal")
    finding.must(all(count == 1 for count in taken.values()), f"{unit} took a slot in twice")


def _subject_of(stores: Stores, position: int) -> object:
    message = stores.hub.log[position].message
    return None if message is None else message.subject


def _faults(stores: Stores, finding: Finding) -> None:
    killed, lost = stores.observed["hub-killed"], stores.observed["broker-lost"]
    finding.must(killed["without_receipt"] > 0, "the hub was not in the midst of anything when it was killed")
    finding.fact(
        f"hub killed with {killed['decided']} of {killed['messages']} decided and {killed['without_receipt']} unanswered"
    )
    resent = _resent(stores, lost)
    finding.must(resent, "what the broker lost was not sent again to the new one")
    finding.fact(f"broker lost all data with a message on its way: sent again, {resent} attempts")


def _resent(stores: Stores, lost: Mapping[str, object]) -> int:
    found = [one for unit in stores.units.values() for one in unit.sent if one.message_id == lost["message"]]
    again = [one for one in found if one.incarnation != lost["incarnation"] and one.state is OutboxState.ACCEPTED]
    return again[0].attempts if again else 0

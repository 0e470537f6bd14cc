"""The access history of a subject at the hub: who looked, who tried, and who was given what, under which ground.

Invariants: built from the log alone; refused attempts are in it; what was once delivered stays in it when a later replay withholds it, and when the
entry itself was erased (then without type, category and referral). Reads are as each unit's adapter reports them (DESIGN section 3, promise 3).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, MetaData, Row, Table, select

from contracts.dsse import from_envelope
from contracts.messages.access import RecordAccessed, RecordAudited
from contracts.messages.hub import DeliveryReported, ReportedDelivery, TrustListPublished
from contracts.names import HUB
from contracts.trust_list import TrustList
from projections.access_tables import BACKFILL, ENTRY, GIVEN, METADATA, READ, RECEIVER
from projections.build import Build
from projections.parsed import ParsedLogItem
from projections.rows import batches, upsert
from projections.timeline import referral_of

_Slot = tuple[int, str]
"""Position and unit."""

_SUBJECT_FORMS: Final = ("r1.", "h1.")


class AccessHistory:
    """The read model."""

    name: Final = "access-history"
    version: int = 3
    """2: emergencies, and what the law hides. 3: workers by pseudonym alone."""
    readable_from: int = 3
    metadata: Final[MetaData] = METADATA

    def apply(self, connection: Connection, items: Sequence[ParsedLogItem], tables: Build) -> None:
        """Decisions first, then what was reported of them: a report never precedes its decision in the log."""
        accepted = [one for one in items if one.item.verdict == "accepted"]
        about = [one for one in accepted if one.item.key.startswith(_SUBJECT_FORMS)]
        upsert(connection, tables[RECEIVER], [row for one in accepted for row in _receivers(one)])
        upsert(connection, tables[ENTRY], [_entry(one) for one in about])
        upsert(connection, tables[GIVEN], [row for one in about for row in _decided(one)])
        upsert(connection, tables[BACKFILL], [row for one in about for row in _backfills(one)])
        upsert(connection, tables[READ], [row for one in about if (row := _read(one)) is not None])
        _report(connection, accepted, tables)


def _receivers(one: ParsedLogItem) -> Iterable[dict[str, Any]]:
    if one.message is None or not isinstance(one.message.facts, TrustListPublished):
        return []
    signed, _ = from_envelope(one.message.facts.document.encode())
    listed = TrustList.model_validate_json(signed.payload)
    institutions = {each.institution: each.name for each in listed.institutions}
    return [
        {"unit": unit.unit, "name": unit.name, "institution": institutions[unit.institution]} for unit in listed.units
    ]


def _entry(one: ParsedLogItem) -> dict[str, Any]:
    message = one.message
    return {
        "position": one.item.position,
        "subject": one.item.key,
        "message_id": one.item.message_id,
        "author": one.item.author,
        "type": message and message.type,
        "category": message and message.category,
        "purpose": message and message.purpose,
        "referral_id": None if message is None else referral_of(message.facts),
    }


def _decided(one: ParsedLogItem) -> Iterable[dict[str, Any]]:
    """The hub's own messages and the parties' copies are given too; all of them show."""
    item = one.item
    return [
        {
            "position": item.position,
            "unit": given.unit,
            "subject": item.key,
            "ground_id": given.ground_id,
            "decided_at": item.at,
        }
        for given in item.recipients
        if given.unit not in (item.author, HUB)
    ]


def _backfills(one: ParsedLogItem) -> Iterable[dict[str, Any]]:
    return [
        {
            "position": one.item.position,
            "unit": opened.unit,
            "source": opened.source,
            "ground_id": opened.ground_id,
            "subject": one.item.key,
            "through": opened.through,
        }
        for opened in one.item.backfills
    ]


def _read(one: ParsedLogItem) -> dict[str, Any] | None:
    if one.message is None:
        return None
    match one.message.facts:
        case RecordAccessed() as facts:
            said = _by_a_worker(facts)
        case RecordAudited() as facts:
            said = _by_an_auditor(facts)
        case _:
            return None
    return said | {
        "position": one.item.position,
        "subject": one.item.key,
        "time": one.message.time,
        "recorded_at": one.item.at,
        "reader": facts.reader,
        "worker": facts.reader.partition("/")[2],
        "reporter": one.item.author,
    }


def _by_a_worker(facts: RecordAccessed) -> dict[str, Any]:
    return {
        "reader_unit": facts.reader_unit,
        "purpose": facts.purpose_of_access,
        "categories": json.dumps(facts.categories),
        "entries": json.dumps(facts.entries),
        "outcome": facts.outcome,
        "reason": facts.reason,
        "ground_id": facts.ground_id,
        "emergency": facts.emergency and facts.emergency.reason,
        "judged": facts.emergency and facts.emergency.judged,
        "hidden_basis": facts.hidden and facts.hidden.basis,
        "hidden_until": facts.hidden and facts.hidden.until,
    }


def _by_an_auditor(facts: RecordAudited) -> dict[str, Any]:
    """An auditor is of no unit, and sees no content: what shows is that somebody looked, and what for."""
    absent = ("reason", "ground_id", "emergency", "judged", "hidden_basis", "hidden_until")
    nothing = {"categories": "[]", "entries": "[]", **dict.fromkeys(absent)}
    return {"reader_unit": HUB, "purpose": facts.purpose_of_audit, "outcome": "read"} | nothing


def _report(connection: Connection, accepted: Iterable[ParsedLogItem], tables: Build) -> None:
    """Lay the relay's reports over the decisions; the first delivery of a slot holds."""
    reports = [
        (one, delivery)
        for one in accepted
        if one.message is not None and isinstance(one.message.facts, DeliveryReported)
        for delivery in one.message.facts.deliveries
    ]
    if not reports:
        return
    positions = sorted({delivery.position for _, delivery in reports})
    entries = {row.position: row for row in _by_position(connection, tables[ENTRY], positions)}
    slots: dict[_Slot, dict[str, Any]] = {
        (row.position, row.unit): dict(row._mapping)  # noqa: SLF001 - the documented way to a row's names
        for row in _by_position(connection, tables[GIVEN], positions)
    }
    grounds = _BackfillGrounds(connection, tables[BACKFILL], {row.subject for row in entries.values()})
    changed = set()
    for one, delivery in reports:
        entry = entries.get(delivery.position)
        if entry is not None:
            slot = (delivery.position, delivery.unit)
            known = slots.get(slot) or _backfilled(entry, delivery, grounds.ground(entry, delivery, one.item.position))
            slots[slot] = _reported(known, one, delivery)
            changed.add(slot)
    upsert(connection, tables[GIVEN], [slots[slot] for slot in sorted(changed)])


def _by_position(connection: Connection, table: Table, positions: Sequence[int]) -> Iterable[Row[Any]]:
    for some in batches(positions):
        yield from connection.execute(select(table).where(table.c.position.in_(some)))


def _backfilled(entry: Row[Any], delivery: ReportedDelivery, ground_id: str | None) -> dict[str, Any]:
    return {
        "position": delivery.position,
        "unit": delivery.unit,
        "subject": entry.subject,
        "ground_id": ground_id,
        "decided_at": None,
        "delivered_at": None,
        "withheld_at": None,
        "feed_sequence": None,
    }


def _reported(known: Mapping[str, Any], one: ParsedLogItem, delivery: ReportedDelivery) -> dict[str, Any]:
    moment = "delivered_at" if delivery.verdict == "given" else "withheld_at"
    if known[moment] is not None:
        return dict(known)
    return {**known, moment: one.item.at, "feed_sequence": known["feed_sequence"] or delivery.feed_sequence}


class _BackfillGrounds:
    """Which ground opened a range that covers an entry."""

    def __init__(self, connection: Connection, backfill: Table, subjects: Iterable[str]) -> None:
        self._ranges: dict[tuple[str, str, str], list[Row[Any]]] = {}
        for some in batches(sorted(subjects)):
            rows = connection.execute(
                select(backfill).where(backfill.c.subject.in_(some)).order_by(backfill.c.position, backfill.c.ground_id)
            )
            for row in rows:
                self._ranges.setdefault((row.subject, row.unit, row.source), []).append(row)

    def ground(self, entry: Row[Any], delivery: ReportedDelivery, reported_at: int) -> str | None:
        """The latest one ordered before the report whose range holds the entry; None where there is none."""
        ranges = self._ranges.get((entry.subject, delivery.unit, entry.author), [])
        covering = [row for row in ranges if row.position < reported_at and delivery.position <= row.through]
        return covering[-1].ground_id if covering else None

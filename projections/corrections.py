"""Corrections laid over what they correct: the value that holds, and every value before it.

Invariants: pure; only the author of an entry corrects it; corrections of one entry hold in the author's own order (`sequence`), whatever order they
arrived in; a correction whose entry is not here, was erased or that the hub refused stands for itself.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from contracts.names import MessageId, SubjectId, UnitId
from projections.timeline import Entry, entries


@dataclass(frozen=True, slots=True)
class Earlier:
    """A value that held until the correction `by`."""

    facts: Mapping[str, Any] | None
    content: Mapping[str, Any] | None
    by: MessageId
    reason: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as it holds now, with what it said before, the oldest first."""

    entry: Entry
    history: tuple[Earlier, ...] = ()


def timeline(connection: Connection, subject: SubjectId, *, others_visible: bool) -> Sequence[Shown]:
    """The timeline of a subject with corrections applied. `others_visible=False` hides others' entries (DESIGN section 3, promise 5).

    Raises `NotServedError`.
    """
    return overlay(entries(connection, subject, others_visible=others_visible))


def overlay(recorded: Sequence[Entry]) -> Sequence[Shown]:
    """The entries in their order, each correction laid over the entry at the root of its chain."""
    known = {(one.author, one.message_id): one for one in recorded}
    roots = {one.message_id: root for one in recorded if (root := _root(one, known)) is not None}
    chains: dict[MessageId, list[Entry]] = defaultdict(list)
    for one in recorded:
        if one.message_id in roots:
            chains[roots[one.message_id]].append(one)
    return [_shown(one, chains[one.message_id]) for one in recorded if one.message_id not in roots]


def _root(one: Entry, known: Mapping[tuple[UnitId, MessageId], Entry]) -> MessageId | None:
    """The entry that a correction is in the end about; None where it stands for itself."""
    if one.corrects is None or one.refusal is not None:
        return None
    seen = {one.message_id}
    target = known.get((one.author, one.corrects))
    while target is not None and target.corrects is not None and target.message_id not in seen:
        seen.add(target.message_id)
        target = known.get((one.author, target.corrects))
    if target is None or target.kind == "erased" or target.message_id in seen:
        return None
    return target.message_id


def _shown(entry: Entry, chain: Sequence[Entry]) -> Shown:
    shown = Shown(entry)
    for correction in sorted(chain, key=lambda one: (one.sequence or 0, one.arrived)):
        shown = _corrected(shown, correction)
    return shown


def _corrected(shown: Shown, correction: Entry) -> Shown:
    changes = correction.content or {}
    now = shown.entry
    earlier = Earlier(
        facts=now.facts,
        content=now.content,
        by=correction.message_id,
        reason=(correction.facts or {}).get("reason"),
        note=changes.get("note"),
    )
    entry = replace(
        now, facts=_merged(now.facts, changes.get("facts")), content=_merged(now.content, changes.get("content"))
    )
    return Shown(entry, (*shown.history, earlier))


def _merged(before: dict[str, Any] | None, changes: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return before if changes is None else {**(before or {}), **changes}

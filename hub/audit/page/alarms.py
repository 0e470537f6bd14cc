"""What a person should look at, and how each shard's ledger is.

Invariants: an alarm is a code with a number; nothing of it names a client or a worker, so looking at alarms is no look at anybody. A ledger is judged
as its own process judges it before it adds anything: signature, tiles, root, and the last entry against the log.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from contracts.keys import KeyUse
from contracts.ledger import checkpoint, signed_note
from contracts.ledger.checkpoint import origin_of
from contracts.ledger.signed_note import NoteError, NoteSigner
from contracts.merkle import ProofError
from hub.application.announcing import WITNESSED
from hub.application.ledger import Ledger, LedgerError
from hub.audit.page.evidence import Evidence, ShardEvidence
from hub.entrypoints.house import House
from hub.infrastructure.key_files import KeyFiles
from hub.infrastructure.ledger_alarms import LedgerAlarms
from hub.infrastructure.shard_standing import standing_of
from hub.infrastructure.tile_files import TileFiles
from projections.access_search import Kind, Question
from projections.obligations import ObligationState

SILENT: Final = 10.0
"""Seconds without a sign of life of a part that beats each second."""
RECENT: Final = timedelta(days=30)
_MANY: Final = 1000
_A_MOMENT: Final = 1.0
"""Seconds in which a ledger that works takes in some of what waits: only whether it grows tells it from one that is stuck."""


class AlarmCode(StrEnum):
    """What is the matter; the words say what to do."""

    LEDGER_MISSING = "ledger-missing"
    LEDGER_BROKEN = "ledger-broken"
    LEDGER_CONTRADICTED = "ledger-contradicted"
    """Units signed for another history; until the operator's command says who looked into it."""
    LEDGER_BEHIND = "ledger-behind"
    WRITER_SILENT = "writer-silent"
    DISPATCH_SILENT = "dispatch-silent"
    OVERVIEWS_BEHIND = "overviews-behind"
    PARKED = "parked"
    DEAD_LETTERS = "dead-letters"
    OVERDUE = "overdue"
    REFUSED = "refused"
    EMERGENCY = "emergency"


GRAVE: Final = frozenset(
    {AlarmCode.LEDGER_MISSING, AlarmCode.LEDGER_BROKEN, AlarmCode.LEDGER_CONTRADICTED, AlarmCode.OVERDUE}
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing to look at. `shard` None: of the whole programme."""

    code: AlarmCode
    count: int
    shard: int | None = None

    @property
    def grave(self) -> bool:
        """Whether a promise may be broken."""
        return self.code in GRAVE


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """One shard's ledger. `size` is what the last checkpoint vouches for, of `events` in the log."""

    shard: int
    origin: str
    events: int
    size: int = 0
    root: str = ""
    witnessed: int = 0
    """How far witnesses have signed: they follow the last checkpoint by some seconds."""
    witnesses: tuple[str, ...] = ()
    fault: str | None = None
    """Why it cannot be relied on, in the ledger's own words."""
    there: bool = False
    stuck: bool = False
    """Events wait, and it did not grow while it was looked at."""
    contradicted: int = 0
    """Units that signed for another history, as long as nobody acknowledged it."""


def ledgers(house: House, evidence: Evidence) -> Sequence[LedgerHealth]:
    """Every shard's ledger."""
    key = KeyFiles(house.settings.home / "keys").load(KeyUse.CHECKPOINTS)
    programme = house.programme.directory.listed.programme
    found = []
    for shard in evidence.shards:
        number = shard.database.shard
        files = TileFiles(house.settings.home / "ledger" / str(number))
        health = _health(shard, files, NoteSigner(origin_of(programme, number), key.seed))
        found.append(replace(health, contradicted=len(LedgerAlarms(house.settings.home, number).open())))
    return found


def alarms(evidence: Evidence, ledger: Sequence[LedgerHealth], now: datetime) -> Sequence[Alarm]:
    """Everything to look at, what is grave first."""
    found = [*_of_ledgers(ledger), *_of_processes(evidence, now), *_of_people(evidence, now)]
    return sorted(found, key=lambda one: (not one.grave, list(AlarmCode).index(one.code), one.shard or 0))


def _health(shard: ShardEvidence, files: TileFiles, signer: NoteSigner) -> LedgerHealth:
    events = standing_of(shard.session).position
    blank = LedgerHealth(shard.database.shard, signer.name, events)
    raw = files.read("checkpoint")
    if raw is None:
        return blank
    try:
        head = Ledger(shard.stored, files, signer).open()
        witnessed, witnesses = _witnessed(files, signer)
    except (LedgerError, NoteError, ProofError, UnicodeDecodeError) as error:
        return LedgerHealth(blank.shard, blank.origin, events, fault=str(error), there=True)
    assert head is not None  # noqa: S101 - there is a checkpoint
    return LedgerHealth(
        shard=blank.shard,
        origin=head.origin,
        events=events,
        size=head.size,
        root=head.root.hex(),
        witnessed=witnessed,
        witnesses=witnesses,
        there=True,
        stuck=events > head.size and not _grows(files, head.size),
    )


def _witnessed(files: TileFiles, signer: NoteSigner) -> tuple[int, tuple[str, ...]]:
    """How far witnesses have signed, and who, by the names in the note: whether one of them is to be trusted is for the auditor's policy to say."""
    raw = files.read(WITNESSED)
    if raw is None:
        return 0, ()
    note = signed_note.parse(raw.decode())
    signed_note.verified(note, [signer.key])
    return checkpoint.parse(note.text).size, tuple(sorted({one.name for one in note.signatures} - {signer.name}))


def _grows(files: TileFiles, size: int) -> bool:
    time.sleep(_A_MOMENT)
    raw = files.read("checkpoint")
    return raw is not None and checkpoint.parse(signed_note.parse(raw.decode()).text).size > size


def _of_ledgers(ledger: Sequence[LedgerHealth]) -> Iterator[Alarm]:
    for one in ledger:
        if one.contradicted:
            yield Alarm(AlarmCode.LEDGER_CONTRADICTED, one.contradicted, one.shard)
        if not one.there and one.events:
            yield Alarm(AlarmCode.LEDGER_MISSING, one.events, one.shard)
        elif one.fault is not None:
            yield Alarm(AlarmCode.LEDGER_BROKEN, one.events, one.shard)
        elif one.stuck:
            yield Alarm(AlarmCode.LEDGER_BEHIND, one.events - one.size, one.shard)


def _of_processes(evidence: Evidence, now: datetime) -> Iterator[Alarm]:
    for number, (standing, lags) in enumerate(zip(evidence.standing(), evidence.lags(now), strict=True)):
        if standing.writer_silent > SILENT:
            yield Alarm(AlarmCode.WRITER_SILENT, round(standing.writer_silent), number)
        if standing.relay_silent > SILENT:
            yield Alarm(AlarmCode.DISPATCH_SILENT, round(standing.relay_silent), number)
        behind = max((lag.items for lag in lags.values()), default=0)
        if behind > _MANY:
            yield Alarm(AlarmCode.OVERVIEWS_BEHIND, behind, number)
        if standing.parked:
            yield Alarm(AlarmCode.PARKED, standing.parked, number)
        if standing.dead_letters:
            yield Alarm(AlarmCode.DEAD_LETTERS, standing.dead_letters, number)


def _of_people(evidence: Evidence, now: datetime) -> Iterator[Alarm]:
    late = sum(one.state(now) is ObligationState.OVERDUE for one in evidence.obligations(now))
    if late:
        yield Alarm(AlarmCode.OVERDUE, late)
    for code, kind in ((AlarmCode.REFUSED, Kind.REFUSED), (AlarmCode.EMERGENCY, Kind.EMERGENCY)):
        count = len(evidence.search(Question(kind=kind, since=now - RECENT), limit=_MANY))
        if count:
            yield Alarm(code, count)

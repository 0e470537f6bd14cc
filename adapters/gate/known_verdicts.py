"""What the gate said about messages like this one, as long as nothing that it looked at is another.

Invariants: a verdict is what `local_gate.judge` gives. It is remembered for messages that need a ground, move no referral and are not sealed; of
those the gate looks at type, category, purpose, the client's state, the trust list and two times, and at a time only whether it lies before or behind
the ends of grounds and admissions and the beginnings of opened histories. Within these the verdict stands.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from adapters.gate import local_gate
from adapters.gate.local_gate import Candidate
from adapters.gate.subject_state import SubjectState
from adapters.gate.verdict import Verdict
from contracts.catalogue import spec_of
from contracts.categories import WHOLLY_SEALED
from contracts.messages.referral import ReferralFacts
from contracts.names import SubjectId, UnitId
from contracts.trust_list import Directory

_MOST: Final = 8192
"""Verdicts kept, so that memory does not grow with an import."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNIT: Final = timedelta(microseconds=1)

Kind = tuple[SubjectId, str]
"""Of what messages a verdict is: about whom, and a name for their type, category and purpose together."""
Moment = int
"""Microseconds since 1970: what two times are compared by, in a twentieth of the time that zones take."""


def moment_of(time: datetime) -> Moment:
    """The moment of a time with offset, exactly."""
    return (time - _EPOCH) // _UNIT


class _Known(NamedTuple):
    """A verdict, and from which moments on (none: from ever) to before which (none: for ever) it stands."""

    verdict: Verdict
    state: SubjectState
    time_from: float
    time_to: float
    at_from: float
    at_to: float


class KnownVerdicts:
    """The gate of one unit under one trust list, for many messages about clients."""

    def __init__(self) -> None:
        self._known: dict[Kind, _Known] = {}

    def clear(self) -> None:
        """Forget them: another trust list came."""
        self._known.clear()

    def find(self, kind: Kind, state: SubjectState, *, time: Moment, at: Moment) -> Verdict | None:
        """The verdict on a message without content that happened at `time`, judged at `at`; None where the gate has to be asked."""
        known = self._known.get(kind)
        if known is None or known.state is not state:
            return None
        stands = known.time_from <= time < known.time_to and known.at_from <= at < known.at_to and time <= at
        return known.verdict if stands else None

    def judge(  # noqa: PLR0913 - as of `local_gate.judge`
        self,
        candidate: Candidate,
        kind: Kind,
        state: SubjectState,
        *,
        own: UnitId,
        directory: Directory | None,
        at: datetime,
    ) -> Verdict:
        """As of `local_gate.judge`, to be found the next time."""
        verdict = local_gate.judge(candidate, state, own=own, directory=directory, at=at)
        if directory is None or candidate.time > at or not _may_be_kept(candidate):
            return verdict
        if len(self._known) >= _MOST:
            self._known.clear()
        time = _around(
            candidate.time, (one.history_from for ground in state.grounds.values() for one in ground.openings)
        )
        self._known[kind] = _Known(verdict, state, *time, *_around(at, _ends(state, directory)))
        return verdict


def _may_be_kept(candidate: Candidate) -> bool:
    sealed = candidate.has_content or candidate.category in WHOLLY_SEALED
    return spec_of(candidate.facts).categorised and not sealed and not isinstance(candidate.facts, ReferralFacts)


def _ends(state: SubjectState, directory: Directory) -> Iterable[datetime]:
    for ground in state.grounds.values():
        if ground.ended_at is not None:
            yield ground.ended_at
        for one in ground.openings:
            yield one.until
    for unit in directory.units.values():
        if unit.admitted_until is not None:
            yield unit.admitted_until


def _around(time: datetime, turns: Iterable[datetime]) -> tuple[float, float]:
    """The stretch between two turns in which a time lies; a turn itself begins the stretch behind it."""
    moment, found = moment_of(time), [moment_of(turn) for turn in turns]
    before = max((turn for turn in found if turn <= moment), default=float("-inf"))
    return before, min((turn for turn in found if turn > moment), default=float("inf"))

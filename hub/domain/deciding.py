"""The one entrance to all rules: `decide(path, message, now) -> Accepted | Refused` and the order of checks (DESIGN section 5).

Invariants: pure; every type of the catalogue has a rule; sequence before rules; `id-reused` and `sequence-conflict` leave the sequence where it is.
"""

from datetime import timedelta
from typing import Final

from contracts.catalogue import Audience, Author, MessageSpec
from contracts.codes import RefusalCode
from contracts.envelope import Message
from contracts.facts import Clear
from contracts.messages.erasure import ErasureCarriedOut, ErasureRequested, RetentionEnded
from contracts.messages.hub import ObligationOpened, ObligationOverdue
from contracts.messages.obligation import ObligationAnswered
from contracts.messages.processing import ProcessingRestricted
from contracts.messages.subject import SubjectFacts
from contracts.names import HUB, ProgrammeId, Source
from hub.domain import entry_rules, erasing, ground_rules, referral_rules, subject_rules
from hub.domain.decision import Accepted, Circumstances, Decision, Refused
from hub.domain.recipients import ground_parties, without_ground
from hub.domain.support_path import Entry, SupportPath, candidate_entry

MAX_AHEAD: Final = timedelta(minutes=10)
"""`time` says when it happened; only a clock that runs ahead is refused."""


def programme_fault(message_programme: ProgrammeId, now: Circumstances) -> Refused | None:
    """A message of another programme is nobody's here: refused before its number is looked at."""
    if message_programme == now.directory.listed.programme:
        return None
    return Refused(RefusalCode.WRONG_PROGRAMME, "send it to its own programme's hub", advances=False)


def sequence_fault(path: SupportPath, source: Source, sequence: int) -> Refused | None:
    """A number that is taken. A number beyond the next is a hole: the caller writes nothing."""
    last = path.last_sequence(source)
    if sequence > last:
        return None
    return Refused(RefusalCode.SEQUENCE_CONFLICT, f"number {sequence} is taken", advances=False, last_sequence=last)


def is_hole(path: SupportPath, source: Source, sequence: int) -> bool:
    """True where n-1 has not been decided yet: the adapter resends from its oldest open message."""
    return sequence > path.last_sequence(source) + 1


def decide(path: SupportPath, message: Message, now: Circumstances) -> Decision:
    """Decide a well-formed, verified message whose turn it is."""
    spec = message.spec
    fault = _general_fault(message, spec, now)
    if fault is not None:
        return fault
    if spec.stream == "ground":
        return ground_rules.decide(path, message, now)
    if spec.categorised:
        entry = entry_of(path, message, now)
        if spec.stream == "referral":
            return referral_rules.decide(path, message, entry, now)
        return entry_rules.decide(path, message, entry, now)
    return _by_audience(path, message, spec, now)


def entry_of(path: SupportPath, message: Message, now: Circumstances) -> Entry:
    """The message as the gate judges it, before it has recipients."""
    return candidate_entry(path, message, now.position, at=now.at)


def _general_fault(message: Message, spec: MessageSpec, now: Circumstances) -> Refused | None:
    if message.time > now.at + MAX_AHEAD:
        return Refused(
            RefusalCode.TIME_AHEAD, "time is more than ten minutes ahead: set the clock, resend under a new id"
        )
    if (spec.author is Author.HUB) != (message.unit == HUB) and not _hub_moves(message, spec):
        return Refused(
            RefusalCode.NOT_ENTITLED, "this type is the hub's own" if spec.author is Author.HUB else "not the hub's"
        )
    if spec.author is Author.MANDATED and not now.directory.units[message.unit].mandates:
        return Refused(RefusalCode.OUTSIDE_MANDATE, "the trust list gives this unit no mandate")
    if isinstance(message.data.sealed, Clear) and not now.directory.listed.trial:
        return Refused(RefusalCode.CLEAR_NOT_ALLOWED, "content must be sealed: this programme is not on trial")
    return None


def _hub_moves(message: Message, spec: MessageSpec) -> bool:
    """Timers and the end of sharing move referrals in the hub's name; the referral table says which."""
    return message.unit == HUB and spec.stream == "referral"


def _by_audience(  # noqa: PLR0911 - one line a type
    path: SupportPath, message: Message, spec: MessageSpec, now: Circumstances
) -> Decision:
    facts = message.facts
    match facts:
        case ObligationOpened():
            return Accepted(recipients=without_ground([facts.unit], HUB, now))
        case ObligationOverdue():
            return Accepted(recipients=without_ground([facts.unit], HUB, now))
        case ObligationAnswered():
            duty = path.obligations.get(facts.obligation_id)
            if duty is None or not duty.open or duty.unit != message.unit:
                return Refused(RefusalCode.UNKNOWN_OBLIGATION, "no such duty is open for this unit")
            return Accepted()
        case ProcessingRestricted():
            parties = ground_parties(path.grounds.values(), now.directory)
            return Accepted(recipients=without_ground(parties, message.unit, now), closes=True)
        case ErasureRequested() | RetentionEnded() | ErasureCarriedOut():
            return erasing.decide(path, message, facts, now)
        case SubjectFacts():
            return subject_rules.decide(path, message, facts, now)
    if spec.audience is Audience.ALL_UNITS:
        return Accepted(recipients=without_ground(now.directory.units, message.unit, now))
    if spec.audience is Audience.PARTIES:
        parties = ground_parties(path.grounds.values(), now.directory)
        return Accepted(recipients=without_ground(parties, message.unit, now))
    return Accepted()

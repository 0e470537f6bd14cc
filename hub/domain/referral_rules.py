"""Referrals: what `referral.sent` needs, and every move by the table (DESIGN section 8).

Invariants: a referral is sent only under a ground for its recipient (signposting, which carries no personal data, needs none); moves follow
`contracts.referral_table` by the signer's part; the reopening window and the hub's own moves are judged here, by the log's time.
"""

from collections.abc import Iterator
from datetime import timedelta

from contracts.codes import RefusalCode
from contracts.envelope import Message
from contracts.messages.referral import (
    QuestionAnswered,
    QuestionAsked,
    ReferralCompleted,
    ReferralFacts,
    ReferralReopened,
    ReferralSent,
    ReferralWaitlisted,
    ReferralWithdrawn,
)
from contracts.names import UnitId
from contracts.referral_table import TERMINAL, ReferralParties, Role, next_state, role_of
from hub.domain.decision import Accepted, Circumstances, Decision, Refused, TimerWish
from hub.domain.events import Given
from hub.domain.recipients import grounded, permitted, referral_audience, without_ground
from hub.domain.referral import SIGNPOSTING, Referral
from hub.domain.support_path import Entry, SupportPath


def decide(path: SupportPath, message: Message, entry: Entry, now: Circumstances) -> Decision:
    """Decide a referral.* message."""
    facts = message.facts
    assert isinstance(facts, ReferralFacts)  # noqa: S101 - by the catalogue's stream column
    known = path.referrals.get(facts.referral_id)
    if isinstance(facts, ReferralSent):
        return _sent(path, message, facts, entry, now)
    if known is None:
        return Refused(RefusalCode.UNKNOWN_REFERRAL, "there is no such referral of this client")
    if (message.category, message.purpose) != (known.category, known.purpose):
        return Refused(RefusalCode.INVALID_DATA, "category and purpose are those of the referral")
    if isinstance(facts, (QuestionAsked, QuestionAnswered)):
        return _between_parties(path, message, entry, known, now)
    return _moved(path, message, facts, entry, known=known, now=now)


def _sent(path: SupportPath, message: Message, facts: ReferralSent, entry: Entry, now: Circumstances) -> Decision:
    if facts.referral_id in path.referrals:
        return Refused(RefusalCode.REFERRAL_EXISTS, "this id belongs to another referral: take a new one")
    parent = path.referrals.get(facts.parent) if facts.parent is not None else None
    if facts.parent is not None and (parent is None or parent.state not in TERMINAL):
        return Refused(
            RefusalCode.UNKNOWN_REFERRAL, "the parent is unknown or not ended: a follow-up needs an ended one"
        )
    if facts.target is not None and (facts.target not in now.directory.units or facts.target == message.unit):
        return Refused(RefusalCode.UNKNOWN_UNIT, "the target is no other unit of the trust list")
    recipients = _recipients_of_sent(path, message, facts, entry, now=now)
    if not recipients:
        return Refused(RefusalCode.NO_GROUND, "no ground permits the target to receive it")
    return Accepted(
        recipients=recipients, timers=(TimerWish("referral-deadline", facts.referral_id, facts.answer_due),)
    )


def _recipients_of_sent(
    path: SupportPath, message: Message, facts: ReferralSent, entry: Entry, *, now: Circumstances
) -> tuple[Given, ...]:
    if facts.kind == SIGNPOSTING and message.data.sealed is None and facts.target is not None:
        return without_ground([facts.target], message.unit, now)
    if facts.target is not None and permitted(path, entry, facts.target, now) is None:
        return ()
    return grounded(path, entry, now)


def _between_parties(
    path: SupportPath, message: Message, entry: Entry, known: Referral, now: Circumstances
) -> Decision:
    role = role_of(message.unit, known.parties)
    wanted = Role.TARGET if isinstance(message.facts, QuestionAsked) else Role.SOURCE
    if role is not wanted or known.state in TERMINAL:
        return Refused(RefusalCode.REFERRAL_MOVE_NOT_ALLOWED, f"only the {wanted} of an open referral sends this")
    recipients = referral_audience(path, entry, known, now)
    return Accepted(recipients=recipients) if recipients else Refused(RefusalCode.NO_GROUND, "sharing has ended")


def _moved(  # noqa: PLR0913 - what a move is judged by
    path: SupportPath, message: Message, facts: ReferralFacts, entry: Entry, *, known: Referral, now: Circumstances
) -> Decision:
    state = next_state(known.state, facts, signer=message.unit, parties=known.parties)
    if state is None:
        return Refused(
            RefusalCode.REFERRAL_MOVE_NOT_ALLOWED,
            f"a {role_of(message.unit, known.parties)} may not do this while it is {known.state}",
        )
    fault = _window_fault(facts, known, now) or _stranger_fault(path, message.unit, facts, known.parties)
    if fault is not None:
        return fault
    recipients = referral_audience(path, entry, known, now)
    if not recipients and not known.signposting:
        return Refused(RefusalCode.NO_GROUND, "sharing has ended")
    return Accepted(recipients=recipients, timers=tuple(_timers(facts, known, now)))


def _window_fault(facts: ReferralFacts, known: Referral, now: Circumstances) -> Refused | None:
    if not isinstance(facts, ReferralReopened) or known.closed_at is None:
        return None
    if now.at <= known.closed_at + timedelta(days=now.settings.reopen_within_days):
        return None
    return Refused(RefusalCode.REFERRAL_MOVE_NOT_ALLOWED, "the window for reopening has passed: send a new referral")


def _stranger_fault(path: SupportPath, unit: UnitId, facts: ReferralFacts, parties: ReferralParties) -> Refused | None:
    if not isinstance(facts, ReferralWithdrawn) or role_of(unit, parties) is not Role.OTHER or unit in path.enrolled:
        return None
    return Refused(
        RefusalCode.NOT_ENTITLED, "only a unit where the client is enrolled withdraws on the client's behalf"
    )


def _timers(facts: ReferralFacts, known: Referral, now: Circumstances) -> Iterator[TimerWish]:
    if isinstance(facts, ReferralWaitlisted):
        grace = timedelta(days=now.settings.waitlist_grace_days)
        yield TimerWish("referral-deadline", known.referral_id, facts.expected + grace)
    if isinstance(facts, ReferralCompleted):
        yield TimerWish("referral-close", known.referral_id, now.at + timedelta(days=now.settings.close_after_days))

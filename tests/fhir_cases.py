"""Referrals and other entries of one client, drawn at random, as an export is given them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from adapters.connectors.fhir.told import Case, Told
from adapters.drafts import ClientKey
from contracts.categories import CONSENT_PURPOSES, DIMENSIONS, Category
from contracts.code_lists import codes
from contracts.facts import Facts
from contracts.grants import Grant, Recipient
from contracts.messages import referral as facts_of
from contracts.messages.consent import ConsentContent, ConsentGiven
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.outcome import OutcomeContent, OutcomeRecorded
from contracts.messages.service import ServiceContent, ServiceDelivered
from contracts.names import HUB, GroundId, MessageId, ReferralId, UnitId
from contracts.referral_table import TABLE, ReferralParties, ReferralState, Role, next_state

OP, UP, MD = UnitId("op"), UnitId("up"), UnitId("md")
NAMES: Final = {OP: "Advice office", UP: "Labour office", MD: "Social work"}
NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
CATEGORIES: Final = st.sampled_from([one for one in Category if one is not Category.CONDUCT])
IDS: Final = st.uuids(version=4).map(str)
SERVICES: Final = st.one_of(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,30}", fullmatch=True),
    st.from_regex(r"(snomed|loinc|cpt|icd-10-cm):[0-9]{3,12}", fullmatch=True),
)
TEXTS: Final = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=30).filter(str.strip)
INSTANTS: Final = st.integers(0, 3_000_000).map(
    lambda seconds: NOON + timedelta(seconds=seconds, microseconds=seconds % 7)
)
DAYS: Final = st.integers(0, 400).map(lambda days: date(2025, 1, 1) + timedelta(days=days))


def of_list(name: str) -> st.SearchStrategy[str]:
    """A code of one of our lists."""
    return st.sampled_from(sorted(codes(name)))


_FIELDS: Final[dict[type[Facts], dict[str, st.SearchStrategy[Any]]]] = {
    facts_of.ReferralInfoRequested: {"question_id": IDS},
    facts_of.ReferralInfoGiven: {"question_id": IDS},
    facts_of.ReferralWaitlisted: {"expected": INSTANTS},
    facts_of.ReferralAccepted: {"first_meeting": st.none() | INSTANTS},
    facts_of.ReferralDeclined: {"reason": of_list("decline-reason")},
    facts_of.ReferralStarted: {"first_contact": INSTANTS},
    facts_of.ReferralNotTakenUp: {"reason": of_list("not-taken-up-reason")},
    facts_of.ReferralPaused: {"reason": of_list("hold-reason")},
    facts_of.ReferralCompleted: {"outcome": of_list("outcome-code")},
    facts_of.ReferralFailed: {"reason": of_list("failure-reason")},
    facts_of.ReferralReopened: {"reason": of_list("reopening-reason")},
    facts_of.ReferralExpired: {"due": INSTANTS},
    facts_of.ReferralWithdrawn: {"reason": of_list("withdrawal-reason"), "on_behalf_of_client": st.booleans()},
    facts_of.ReferralVoided: {"reason": of_list("void-reason")},
}
_SIGNERS: Final = {Role.SOURCE: OP, Role.TARGET: UP, Role.HUB: HUB, Role.OTHER: MD}


def _id(draw: st.DrawFn) -> MessageId:
    return MessageId(draw(IDS))


@st.composite
def referral(draw: st.DrawFn, state: ReferralState | None = None) -> list[Told]:
    """A referral of any kind and its moves, each allowed by the table; up to a given state, or to any."""
    external = draw(st.booleans())
    category, referral_id = draw(CATEGORIES), ReferralId(draw(IDS))
    sent = facts_of.ReferralSent(
        referral_id=referral_id,
        kind=draw(of_list("referral-kind")),
        target=None if external else UP,
        external=external,
        answer_due=draw(INSTANTS),
        service=draw(st.none() | SERVICES),
        parent=draw(st.none() | IDS.map(ReferralId)),
        legal_effect=draw(st.sampled_from(["none", "cz-2004-435/s14"])),
        on_behalf_of_client=draw(st.booleans()),
    )
    content = draw(st.none() | st.builds(facts_of.ReferralContent, message=TEXTS))
    first = Told(_id(draw), OP, NOON, category, sent, content)
    told, at, now = [first], ReferralState.SENT, NOON
    for _ in range(draw(st.integers(0, 7)) if state is None else 12):
        moved = _move(draw, at, referral_id, external=external, wanted=state)
        if moved is None:
            break
        signer, facts = moved
        now += timedelta(seconds=draw(st.integers(0, 100_000)))
        content = draw(st.none() | st.builds(facts_of.ReferralContent, contact=TEXTS))
        told.append(Told(_id(draw), signer, now, category, facts, content))
        at = TABLE[type(facts)].to
        if at is state:
            break
    return told


def _move(
    draw: st.DrawFn, at: ReferralState, referral_id: ReferralId, *, external: bool, wanted: ReferralState | None
) -> tuple[UnitId, Facts] | None:
    parties = ReferralParties(OP, None if external else UP)
    allowed = [
        (move, _SIGNERS[role], reported)
        for move, row in TABLE.items()
        if at in row.origins
        for role in sorted(row.roles)
        for reported in ((True,) if external and role is Role.TARGET else (False,))
    ]
    straight = [one for one in allowed if TABLE[one[0]].to is wanted]
    if not allowed:
        return None
    move, signer, reported = draw(st.sampled_from(straight or allowed))
    values = {name: draw(found) for name, found in _FIELDS.get(move, {}).items()}
    facts = move.model_validate({"referral_id": referral_id, "as_reported": reported, **values})
    author = OP if reported else signer
    return (author, facts) if next_state(at, facts, signer=author, parties=parties) is not None else None


@st.composite
def entry(draw: st.DrawFn) -> Told:
    """A service, an outcome, a need or a consent."""
    kind = draw(st.sampled_from([_service, _outcome, _need, _consent]))
    category, facts, content = kind(draw)
    return Told(_id(draw), draw(st.sampled_from([OP, UP])), draw(INSTANTS), category, facts, content)


def _service(draw: st.DrawFn) -> tuple[Category, Facts, Any]:
    facts = ServiceDelivered(
        service=draw(SERVICES),
        begun=draw(st.none() | DAYS),
        ended=draw(st.none() | DAYS),
        quantity=draw(st.none() | st.sampled_from(["1", "12.50", "007"])),
        unit_of_quantity=draw(st.none() | st.sampled_from(["hours", "nights", "money"])),
    )
    return draw(CATEGORIES), facts, draw(st.none() | st.builds(ServiceContent, notes=TEXTS))


def _outcome(draw: st.DrawFn) -> tuple[Category, Facts, Any]:
    facts = OutcomeRecorded(
        outcome=draw(of_list("outcome-type")),
        isco=draw(st.none() | st.sampled_from(["0110", "7212"])),
        contract=draw(st.none() | of_list("contract-type")),
        destination=draw(st.none() | SERVICES),
        follow_up_months=draw(st.none() | st.integers(0, 120)),
        inferred=draw(st.booleans()),
    )
    return draw(CATEGORIES), facts, draw(st.none() | st.builds(OutcomeContent, employer=TEXTS))


def _need(draw: st.DrawFn) -> tuple[Category, Facts, Any]:
    dimension = draw(st.sampled_from(DIMENSIONS))
    level, instrument = draw(st.none() | of_list("level")), draw(st.none() | of_list("instrument"))
    facts = NeedAssessed(dimension=dimension.value, instrument=instrument, level=level)
    return dimension, facts, draw(st.none() | st.builds(NeedContent, finding=TEXTS))


def _consent(draw: st.DrawFn) -> tuple[None, Facts, Any]:
    recipient = Recipient(draw(st.sampled_from(["unit:up", "class:training-provider"])))
    facts = ConsentGiven(
        consent_id=GroundId(draw(IDS)),
        recipient=recipient,
        grants=tuple(_grant(draw, recipient) for _ in range(draw(st.integers(1, 3)))),
        paper=tuple(draw(st.lists(of_list("paper-kind"), min_size=1, max_size=4, unique=True))),
        explicit=draw(st.booleans()),
        notice_version="2026-1",
        evidence_hash="ab" * 32,
        method=draw(of_list("consent-method")),
    )
    return None, facts, draw(st.none() | st.builds(ConsentContent, salt=TEXTS))


def _grant(draw: st.DrawFn, recipient: Recipient) -> Grant:
    shared = [one for one in Category if one is not Category.CONDUCT]
    return Grant(
        sources=tuple(draw(st.lists(st.sampled_from([OP, UP, MD]), min_size=1, unique=True))),
        recipient=recipient,
        purpose=draw(st.sampled_from(sorted(CONSENT_PURPOSES))),
        categories=tuple(draw(st.lists(st.sampled_from(shared), min_size=1, max_size=4, unique=True))),
        history_from=draw(st.none() | INSTANTS),
        until=draw(INSTANTS),
    )


def case(entries: Sequence[Told], client: str = "A-17") -> Case:
    """A client's entries in the order of their time."""
    return Case(ClientKey(client), tuple(sorted(entries, key=lambda one: one.time)), NAMES)

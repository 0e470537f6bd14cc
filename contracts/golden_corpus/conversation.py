"""One client's messages in the order of the log, with what the hub makes of each: every refusal code that a message can earn.

Invariant: the expected verdicts are written here by hand, from the published rules; a test lets the hub decide and compares.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from contracts import strict_json
from contracts.categories import Category, Purpose
from contracts.codes import RefusalCode as Code
from contracts.golden_corpus.actors import (
    ADVICE,
    CONSENT,
    LABOUR,
    NOW,
    REFERRAL,
    STATUTORY,
    SUBJECT,
    key,
    message_id,
    uuid_of,
)
from contracts.golden_corpus.examples import DIGEST, DUTY, ENTRY, GRANT, LATER, MERGE, Example
from contracts.golden_corpus.messages import compose_example
from contracts.golden_corpus.written import readable, record_of
from contracts.grants import Grant, to_unit
from contracts.messages.client import ClientEnrolled
from contracts.messages.consent import ConsentExtended, ConsentGiven, ConsentWithdrawn
from contracts.messages.entry import EntryCorrected
from contracts.messages.ground import GroundRegistered
from contracts.messages.hub import ConsentExpired
from contracts.messages.key import KeyDeposited
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.obligation import ObligationAnswered
from contracts.messages.referral import ReferralReceived, ReferralSent, ReferralStarted
from contracts.messages.session import SessionHeld
from contracts.messages.subject import SubjectMerged, SubjectPaired, SubjectSplit
from contracts.names import GroundId, RecordKey, ReferralId, UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes, sign_one

ACCEPTED: Final = "accepted"
REPEATED: Final = "repeated"
"""The same bytes again: the same receipt again."""
BEYOND_HOLE: Final = "beyond-hole"
"""A number is missing before it: nothing is written, nothing answered; the adapter resends from its oldest open message."""

_GRANT: Final = GRANT.model_copy(update={"history_from": NOW - timedelta(days=1)})
_DEBT: Final = Category.INCOME_DEBT
_SESSION: Final = Example(SessionHeld(kind="debt", form="individual", minutes=30), None, _DEBT)


@dataclass(frozen=True, slots=True)
class Step:
    """One message and its expected verdict: accepted, repeated, beyond-hole, or the code of the refusal."""

    expected: str
    why: str
    signed: SignedBytes
    trial: bool = True


def steps() -> Iterator[Step]:
    """The whole conversation; the last step stands alone, in a programme that is not on trial."""
    yield from _opening()
    yield from _malformed()
    yield from _grounds()
    yield from _statutory()
    yield from _referral()
    yield from _closing()
    yield from _one_person()
    yield from _deposits()
    content = replace(_SESSION, facts=NeedAssessed(dimension="income-debt"), content=NeedContent(finding="x"))
    yield replace(_step(Code.CLEAR_NOT_ALLOWED, "content in clear", content, 0x540, 1), trial=False)


def document() -> dict[str, object]:
    """`conversation.json`."""
    return {
        "about": "In this order, at `now` of actors.json and under its trust list 1. A step with `trial: false` stands alone: nothing "
        "before it was accepted, and the trust list is the same without `trial`.",
        "steps": [_written(one) for one in steps()],
    }


def _step(expected: str, why: str, example: Example, number: int, sequence: int) -> Step:
    return _raw(expected, why, compose_example(example, number, sequence=sequence), example.author)


def _raw(expected: str, why: str, payload: bytes, author: UnitId = ADVICE) -> Step:
    return Step(expected, why, sign_one(payload, key(author), PayloadType.CLOUDEVENT))


def _changed(payload: bytes, **changes: object) -> bytes:
    return strict_json.canonical(readable(payload) | changes)


def _consent(
    grant: Grant = _GRANT, *, author: UnitId = ADVICE, consent: GroundId = CONSENT, explicit: bool = False
) -> Example:
    facts = ConsentGiven(
        consent_id=consent,
        recipient=grant.recipient,
        grants=(grant,),
        paper=("consent", "release-from-secrecy"),
        explicit=explicit,
        notice_version="2026-01",
        evidence_hash=DIGEST,
        method="signed-paper",
    )
    return Example(facts, author=author)


def _opening() -> Iterator[Step]:
    enrolled = Example(ClientEnrolled(status="registered-jobseeker"), None, Category.IDENTITY)
    yield _step(Code.NO_GROUND, "no consent yet", enrolled, 0x500, 1)
    yield (given := _step(ACCEPTED, "consent for the labour office", _consent(), 0x501, 2))
    yield replace(given, expected=REPEATED, why="the same bytes again")
    yield _step(Code.ID_REUSED, "the same id, other bytes", _SESSION, 0x501, 3)
    yield _step(Code.SEQUENCE_CONFLICT, "number 2 is taken", _SESSION, 0x502, 2)
    yield _step(BEYOND_HOLE, "number 3 is missing", _SESSION, 0x503, 4)
    yield _step(ACCEPTED, "covered by the consent", _SESSION, 0x504, 3)
    conduct = replace(_SESSION, category=Category.CONDUCT)
    yield _step(Code.NO_GROUND, "conduct is never shared", conduct, 0x505, 4)
    yield _step(Code.NO_GROUND, "housing is not in the consent", replace(_SESSION, category=Category.HOUSING), 0x506, 5)


def _malformed() -> Iterator[Step]:
    session = compose_example(_SESSION, 0x510, sequence=6)
    other = _changed(session, programme="other", source="urn:spojka:other:debt-advice")
    yield _raw(Code.WRONG_PROGRAMME, "another programme's", other)
    yield _raw(Code.UNKNOWN_TYPE, "version 9", _changed(session, type="eu.spojka.session.held.v9"))
    facts = {"no required code": {}, "a code outside its list": {"kind": "tea", "form": "phone"}}
    facts |= {"an unknown fact": {"kind": "debt", "form": "phone", "name": "Jana"}}
    faults: dict[str, dict[str, object]] = {why: {"data": {"facts": one}} for why, one in facts.items()}
    faults |= {"another schema": {"dataschema": "urn:spojka:schema:need.assessed.v1"}}
    faults |= {"codes in clear under a special category": {"category": "health"}}
    for number, (why, change) in enumerate(faults.items()):
        changed = _changed(session, id=message_id(0x511 + number), sequence=7 + number, **change)
        yield _raw(Code.INVALID_DATA, why, changed)
    ahead = (NOW + timedelta(minutes=11)).isoformat()
    late = _changed(session, id=message_id(0x518), sequence=12, time=ahead)
    yield _raw(Code.TIME_AHEAD, "eleven minutes ahead", late)


def _grounds() -> Iterator[Step]:
    criminal = _GRANT.model_copy(update={"categories": (Category.CRIMINAL,)})
    other = GroundId(uuid_of(0xC2))
    yield _step(Code.CATEGORY_NOT_CONSENTABLE, "Art. 10", _consent(criminal, consent=other), 0x520, 13)
    health = _GRANT.model_copy(update={"categories": (Category.HEALTH,)})
    yield _step(Code.CATEGORY_NOT_CONSENTABLE, "not explicit", _consent(health, consent=other), 0x521, 14)
    nobody = _GRANT.model_copy(update={"recipient": to_unit(UnitId("nobody"))})
    yield _step(Code.UNKNOWN_UNIT, "no such recipient", _consent(nobody, consent=other), 0x522, 15)
    yield _step(Code.GROUND_EXISTS, "another unit's id", _consent(author=LABOUR), 0x523, 1)
    extended = ConsentExtended(consent_id=CONSENT, recipient=_GRANT.recipient, grants=(_GRANT,), evidence_hash=DIGEST)
    yield _step(Code.NOT_ENTITLED, "not the collector", Example(extended, author=LABOUR), 0x524, 2)
    expired = Example(ConsentExpired(consent_id=CONSENT, expired=1, due=NOW))
    yield _step(Code.NOT_ENTITLED, "the hub's own type", expired, 0x525, 16)
    unknown = Example(ConsentWithdrawn(consent_id=other))
    yield _step(Code.UNKNOWN_GROUND, "never given", unknown, 0x526, 17)


def _statutory() -> Iterator[Step]:
    grant = _GRANT.model_copy(update={"sources": (LABOUR,), "recipient": to_unit(ADVICE)})
    grant = grant.model_copy(update={"purpose": Purpose.ELIGIBILITY, "categories": (Category.EMPLOYMENT,)})
    fits = GroundRegistered(ground_id=STATUTORY, basis=("A6-1-e",), statute="act-435-2004", grants=(grant,))
    housing = grant.model_copy(update={"categories": (Category.HOUSING,)})
    beyond = fits.model_copy(update={"grants": (housing,)})
    yield _step(Code.OUTSIDE_MANDATE, "housing is not in the mandate", Example(beyond, author=LABOUR), 0x528, 3)
    yield _step(Code.OUTSIDE_MANDATE, "this unit has no mandate", Example(fits), 0x529, 18)
    yield _step(ACCEPTED, "within the mandate", Example(fits, author=LABOUR), 0x52A, 4)


def _referral() -> Iterator[Step]:
    work = Category.EMPLOYMENT
    sent = ReferralSent(referral_id=REFERRAL, kind="referral", target=LABOUR, answer_due=LATER)
    yield _step(ACCEPTED, "to the labour office", Example(sent, None, work), 0x530, 19)
    yield _step(Code.REFERRAL_EXISTS, "the same id", Example(sent, None, work), 0x531, 20)
    started = ReferralStarted(referral_id=REFERRAL, first_contact=NOW)
    too_early = Example(started, None, work, author=LABOUR)
    yield _step(Code.REFERRAL_MOVE_NOT_ALLOWED, "not accepted yet", too_early, 0x532, 5)
    received = ReferralReceived(referral_id=REFERRAL)
    yield _step(Code.REFERRAL_MOVE_NOT_ALLOWED, "not the target", Example(received, None, work), 0x533, 21)
    yield _step(ACCEPTED, "by the target", Example(received, None, work, author=LABOUR), 0x534, 6)
    unknown = ReferralReceived(referral_id=ReferralId(uuid_of(0xF1)))
    yield _step(Code.UNKNOWN_REFERRAL, "never sent", Example(unknown, None, work, author=LABOUR), 0x535, 7)


def _closing() -> Iterator[Step]:
    corrected = Example(EntryCorrected(reason="wrong-code"), None, _DEBT, corrects=ENTRY)
    yield _step(Code.UNKNOWN_ENTRY, "no such entry", corrected, 0x536, 22)
    answered = ObligationAnswered(obligation_id=DUTY, statement="erased", entries=0, digest=DIGEST)
    yield _step(Code.UNKNOWN_OBLIGATION, "no such duty", Example(answered, author=LABOUR), 0x537, 8)
    yield _step(ACCEPTED, "withdrawn", Example(ConsentWithdrawn(consent_id=CONSENT)), 0x538, 23)
    yield _step(Code.NO_GROUND, "after the withdrawal", _SESSION, 0x539, 24)
    again = Example(ConsentWithdrawn(consent_id=CONSENT))
    yield _step(Code.GROUND_ENDED, "it has ended already", again, 0x53A, 25)


def _one_person() -> Iterator[Step]:
    """The statutory ground still names both units."""
    taken = Example(SubjectPaired(method="pairing-code"), author=LABOUR)
    yield _step(Code.PAIRING_NOT_OPEN, "no code meets here", taken, 0x53B, 9)
    merged = Example(SubjectMerged(merge_id=MERGE, method="asked-client", tell=(LABOUR, ADVICE)))
    yield _step(ACCEPTED, "proposed", merged, 0x53C, 26)
    yield _step(Code.MERGE_NOT_OPEN, "nobody reviews an own proposal", merged, 0x53D, 27)
    yield _step(ACCEPTED, "reviewed by another institution", replace(merged, author=LABOUR), 0x53E, 10)
    split = Example(SubjectSplit(merge_id=MERGE, reason="other-person"))
    yield _step(ACCEPTED, "undone", split, 0x53F, 28)
    yield _step(Code.MERGE_NOT_OPEN, "undone already", replace(split, author=LABOUR), 0x541, 11)


def _deposits() -> Iterator[Step]:
    deposited = KeyDeposited(key_id=DIGEST, scope="employment", epoch=1, deposit_hash=DIGEST)
    yield _step(Code.KEY_MISSING, "the header spojka-key is not there", Example(deposited), 0x542, 29)


def _written(step: Step) -> dict[str, object]:
    key_of_step = _record_key(step.signed.payload)
    trial = {} if step.trial else {"trial": False}
    return {"expected": step.expected, "why": step.why} | trial | record_of(step.signed, key_of_step)


def _record_key(payload: bytes) -> RecordKey:
    return RecordKey(str(readable(payload).get("subject", SUBJECT)))

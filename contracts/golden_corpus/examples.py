"""One example of every message type, and more where a type has forms that differ.

Invariant: every row of the catalogue stands here at least once (a test says which does not).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from contracts.categories import Category, Purpose
from contracts.dsse import to_envelope
from contracts.facts import Facts, SealedContent
from contracts.golden_corpus import pairing
from contracts.golden_corpus.actors import (
    ADVICE,
    CONSENT,
    LABOUR,
    NOW,
    REFERRAL,
    STATUTORY,
    TRAINING,
    message_id,
    trust_list,
    uuid_of,
)
from contracts.grants import Grant, to_class, to_unit
from contracts.messages import (
    access,
    appointment,
    client,
    consent,
    entry,
    erasure,
    feed,
    ground,
    hub,
    key,
    need,
    obligation,
    outcome,
    processing,
    referral,
    service,
    session,
    subject,
)
from contracts.names import HUB, ActorId, KeyId, MergeId, MessageId, ObligationId, UnitId
from contracts.pae import PayloadType

DIGEST: Final = "0" * 63 + "1"
WRAPPED: Final = pairing.wrapped()
DUTY: Final = ObligationId(uuid_of(0xD0))
LATER: Final = NOW + timedelta(days=14)
ENTRY: Final = message_id(0xE0)
QUESTION: Final = message_id(0xE1)
MERGE: Final = MergeId(uuid_of(0xF0))


@dataclass(frozen=True, slots=True)
class Example:
    """What `contracts.envelope.compose` needs besides numbers and names."""

    facts: Facts
    content: SealedContent | None = None
    category: Category | None = None
    purpose: Purpose | None = None
    author: UnitId = ADVICE
    actor: ActorId | None = None
    corrects: MessageId | None = None
    note: str = ""


GRANT: Final = Grant(
    sources=(ADVICE, LABOUR),
    recipient=to_unit(LABOUR),
    categories=(Category.EMPLOYMENT, Category.INCOME_DEBT, Category.IDENTITY),
    until=NOW + timedelta(days=180),
)


def examples() -> Iterator[Example]:
    """All of them, in the catalogue's order as far as it goes."""
    yield from _clients()
    yield from _grounds()
    yield from _subjects()
    yield from _entries()
    yield from _referrals()
    yield from _reports()
    yield from _hub()


def _clients() -> Iterator[Example]:
    who = client.ClientContent(
        case_number="D-2026-014",
        given_name="Jana",
        family_name="Žižková",
        birth_year=1990,
        contact=client.Contact(phone="+420 000 000 000"),
    )
    areas = client.Areas(registered="CZ042", actual="CZ_562335")
    enrolled = client.ClientEnrolled(status="registered-jobseeker", areas=areas)
    yield Example(enrolled, who, Category.IDENTITY, actor=ActorId("adviser/w7"))
    yield Example(client.ClientMoved(areas=client.Areas(actual="1465088")), who, Category.IDENTITY)
    yield Example(client.ClientClosed(reason="goals-reached"), None, Category.IDENTITY, note="without sealed content")


def _grounds() -> Iterator[Example]:
    given = consent.ConsentGiven(
        consent_id=CONSENT,
        recipient=GRANT.recipient,
        grants=(GRANT,),
        paper=("consent", "release-from-secrecy"),
        notice_version="2026-01",
        evidence_hash=DIGEST,
        method="signed-paper",
    )
    yield Example(given, consent.ConsentContent(bundle_id="paper-1", salt="c2FsdA", evidence="scan 1"))
    everyone = GRANT.model_copy(update={"recipient": to_class("training-provider"), "categories": (Category.HEALTH,)})
    to_all = given.model_copy(update={"recipient": everyone.recipient, "grants": (everyone,), "explicit": True})
    yield Example(to_all, note="to a class, explicit, for a special category")
    yield Example(consent.ConsentRefused(consent_id=CONSENT, notice_version="2026-01"))
    yield Example(consent.ConsentWithdrawn(consent_id=CONSENT), consent.ConsentContent(note="by phone"))
    yield Example(consent.ConsentNarrowed(consent_id=CONSENT, recipient=GRANT.recipient), note="nothing remains")
    wider = GRANT.model_copy(update={"categories": (Category.HOUSING,), "history_from": NOW - timedelta(days=90)})
    yield Example(
        consent.ConsentExtended(consent_id=CONSENT, recipient=wider.recipient, grants=(wider,), evidence_hash=DIGEST)
    )
    yield Example(consent.ConsentAttested(consent_id=CONSENT, method="saw-original"), author=LABOUR)
    yield Example(hub.ConsentExpired(consent_id=CONSENT, expired=1, due=NOW), author=HUB)
    by_law = Grant(
        sources=(LABOUR,),
        recipient=to_unit(TRAINING),
        purpose=Purpose.ELIGIBILITY,
        categories=(Category.EMPLOYMENT,),
        until=LATER,
    )
    registered = ground.GroundRegistered(
        ground_id=STATUTORY, basis=("A6-1-e",), statute="act-435-2004", grants=(by_law,)
    )
    yield Example(registered, ground.GroundContent(reference="file 7"), author=LABOUR)
    yield Example(ground.GroundEnded(ground_id=STATUTORY), author=LABOUR)
    restricted = processing.ProcessingRestricted(categories=(Category.HOUSING,))
    yield Example(restricted, processing.ProcessingContent(reason="contested"))
    yield Example(processing.ProcessingLifted())


def _subjects() -> Iterator[Example]:
    yield Example(subject.PairingOffered(until=LATER, wrapped=WRAPPED), note="under the code's meeting subject")
    yield Example(subject.SubjectPaired(method="pairing-code"), author=LABOUR, note="by whoever entered the code")
    noted = subject.SubjectPaired(method="pairing-code", joined=LABOUR)
    yield Example(noted, note="by the issuing unit, under its own subject")
    yield Example(subject.PairingOpened(unit=LABOUR, issuer=ADVICE, wrapped=WRAPPED), author=HUB)
    merged = subject.SubjectMerged(merge_id=MERGE, method="identity-document", tell=(LABOUR,))
    yield Example(merged, subject.MergeContent(evidence="Same identity card, seen on 3 March."))
    reviewed = subject.SubjectMerged(merge_id=MERGE, method="asked-client", tell=(ADVICE,))
    yield Example(reviewed, author=LABOUR, note="the review, by a unit of another institution")
    yield Example(subject.SubjectSplit(merge_id=MERGE, reason="other-person"), subject.MergeContent(note="A namesake."))


def _entries() -> Iterator[Example]:
    debt, work = Category.INCOME_DEBT, Category.EMPLOYMENT
    offered = appointment.AppointmentOffered(when=LATER, place="room-3", kind="first-meeting")
    yield Example(offered, appointment.AppointmentContent(note="bring the letters"), debt)
    yield Example(appointment.AppointmentConfirmed(appointment_id=ENTRY), None, debt)
    yield Example(appointment.AppointmentChanged(appointment_id=ENTRY, when=LATER), None, debt)
    yield Example(appointment.AppointmentCancelled(appointment_id=ENTRY, reason="client-request"), None, debt)
    held = session.SessionHeld(kind="debt", form="individual", minutes=50, units_present=(ADVICE,), interpreter="uk")
    yield Example(held, session.SessionContent(topics=("instalments",), notes="Příště splátkový kalendář."), debt)
    health = Category.HEALTH
    found = need.NeedContent(finding="Needs breaks.")
    yield Example(need.NeedAssessed(dimension="income-debt", instrument="budget-sheet", level="high"), found, debt)
    yield Example(
        need.NeedAssessed(dimension="health", level="moderate"), found, health, note="special: every code is sealed"
    )
    yield Example(session.SessionHeld(kind="legal", form="phone"), None, Category.CRIMINAL, note="Art. 10: sealed")
    course = service.ServiceDelivered(
        service="course-12", begun=date(2026, 2, 2), ended=date(2026, 2, 27), quantity="80", unit_of_quantity="hours"
    )
    yield Example(course, service.ServiceContent(notes="passed"), Category.SKILLS, author=TRAINING)
    hired = outcome.OutcomeRecorded(outcome="employed", isco="0110", contract="fixed-term", follow_up_months=6)
    yield Example(hired, outcome.OutcomeContent(employer="Pekárna"), work, author=LABOUR)
    correction = entry.CorrectionContent(facts={"minutes": 40}, note="clock was wrong")
    yield Example(entry.EntryCorrected(reason="wrong-amount"), correction, debt, corrects=ENTRY)
    level = entry.CorrectionContent(facts={"level": "high"})
    yield Example(
        entry.EntryCorrected(reason="wrong-code"), level, health, corrects=ENTRY, note="under a special category"
    )


def _referrals() -> Iterator[Example]:
    for one in _moves():
        yield replace(one, category=one.category or Category.EMPLOYMENT)
    asked = referral.QuestionAsked(referral_id=REFERRAL)
    work = Category.EMPLOYMENT
    yield Example(asked, referral.QuestionContent(question="Which shift?"), work, author=LABOUR)
    answered = referral.QuestionAnswered(referral_id=REFERRAL, question_id=QUESTION)
    yield Example(answered, referral.AnswerContent(answer="Morning."), work)


def _moves() -> Iterator[Example]:
    note = referral.ReferralContent(message="Please call.", contact="Ms Nová")
    sent = referral.ReferralSent(
        referral_id=REFERRAL, kind="referral", target=LABOUR, answer_due=LATER, service="job-club"
    )
    yield Example(sent, note)
    outside = referral.ReferralSent(referral_id=REFERRAL, kind="signposting", external=True, answer_due=LATER)
    yield Example(outside, referral.ReferralContent(external_target="Food bank"), note="to someone who is no unit here")
    yield Example(referral.ReferralReceived(referral_id=REFERRAL), author=LABOUR)
    yield Example(referral.ReferralInfoRequested(referral_id=REFERRAL, question_id=QUESTION), author=LABOUR)
    yield Example(referral.ReferralInfoGiven(referral_id=REFERRAL, question_id=QUESTION))
    yield Example(referral.ReferralWaitlisted(referral_id=REFERRAL, expected=LATER), author=LABOUR)
    yield Example(referral.ReferralAccepted(referral_id=REFERRAL, first_meeting=LATER), note, author=LABOUR)
    yield Example(referral.ReferralDeclined(referral_id=REFERRAL, reason="no-capacity"), author=LABOUR)
    yield Example(referral.ReferralStarted(referral_id=REFERRAL, first_contact=NOW), author=LABOUR)
    reported = referral.ReferralStarted(referral_id=REFERRAL, first_contact=NOW, as_reported=True)
    yield Example(reported, note="what a target outside the programme told the source")
    yield Example(referral.ReferralNotTakenUp(referral_id=REFERRAL, reason="unreachable"), author=LABOUR)
    yield Example(referral.ReferralPaused(referral_id=REFERRAL, reason="illness"), author=LABOUR)
    yield Example(referral.ReferralResumed(referral_id=REFERRAL), author=LABOUR)
    yield Example(referral.ReferralCompleted(referral_id=REFERRAL, outcome="goal-reached"), author=LABOUR)
    yield Example(referral.ReferralFailed(referral_id=REFERRAL, reason="contact-lost"), author=LABOUR)
    yield Example(referral.ReferralClosed(referral_id=REFERRAL))
    yield Example(referral.ReferralReopened(referral_id=REFERRAL, reason="problem-returned"), author=LABOUR)
    yield Example(referral.ReferralExpired(referral_id=REFERRAL, due=NOW), author=HUB)
    yield Example(referral.ReferralWithdrawn(referral_id=REFERRAL, reason="client-request", on_behalf_of_client=True))
    yield Example(referral.ReferralDetached(referral_id=REFERRAL), author=HUB)
    yield Example(referral.ReferralVoided(referral_id=REFERRAL, reason="entered-in-error"))


def _reports() -> Iterator[Example]:
    read = access.RecordAccessed(
        reader=ActorId("adviser/w7"),
        reader_unit=ADVICE,
        purpose_of_access=Purpose.SUPPORT,
        categories=(Category.EMPLOYMENT,),
        entries=(ENTRY,),
        outcome="read",
        ground_id=CONSENT,
        feed_sequence=3,
    )
    yield Example(read)
    refused = read.model_copy(update={"outcome": "refused", "reason": "no-ground", "entries": (), "ground_id": None})
    yield Example(refused, note="a refused attempt")
    yield Example(erasure.ErasureRequested(), note="everything recorded until now")
    yield Example(erasure.ErasureRequested(categories=(Category.HEALTH,)))
    opened = access.Emergency(emergency_id=ENTRY, reason="shelter-tonight", until=NOW)
    yield Example(read.model_copy(update={"emergency": opened, "reason": opened.reason}), note="opened in an emergency")
    hidden = access.HiddenByLaw(basis="child-protection", until=NOW)
    yield Example(read.model_copy(update={"hidden": hidden}), note="the client is told later")
    answered = obligation.ObligationAnswered(obligation_id=DUTY, statement="erased", entries=2, digest=DIGEST)
    yield Example(answered, author=LABOUR)
    deposited = key.KeyDeposited(key_id=DIGEST, scope="employment", epoch=1, deposit_hash=DIGEST)
    yield Example(deposited, note="the sealed key travels in the header spojka-key")
    yield Example(feed.FeedAcknowledged(shard=0, generation=1, feed_sequence=3, link=DIGEST))
    yield Example(feed.ReplayRequested(shard=0, generation=1, from_sequence=2))


def _hub() -> Iterator[Example]:
    opened = hub.ObligationOpened(
        obligation_id=DUTY,
        unit=LABOUR,
        ground_id=CONSENT,
        because="withdrawn",
        entries=(ENTRY,),
        categories=(Category.EMPLOYMENT,),
        due=LATER,
    )
    yield Example(opened, author=HUB)
    yield Example(erasure.RetentionEnded(category=Category.HOUSING, recorded_before=NOW), author=HUB)
    carried_out = erasure.ErasureCarriedOut(request_id=ENTRY, entries=3, keys=2, live_at=NOW, beyond_at=LATER)
    yield Example(carried_out, author=HUB)
    yield Example(hub.ObligationOverdue(obligation_id=DUTY, unit=LABOUR), author=HUB)
    audited = access.RecordAudited(
        reader=ActorId("auditor/dpo-1"), purpose_of_audit="client-request", shown="path", until=LATER
    )
    yield Example(audited, author=HUB)
    slot = hub.ReportedDelivery(unit=LABOUR, feed_sequence=1, position=4, verdict="given")
    yield Example(hub.DeliveryReported(shard=0, generation=1, deliveries=(slot,)), author=HUB)
    released = key.ReleasedKey(
        key_id=DIGEST,
        unit=LABOUR,
        form="content-key",
        message_id=ENTRY,
        position=4,
        to=KeyId("labour/encryption/0123456789abcdef"),
        release_hash=DIGEST,
    )
    yield Example(key.KeyReleased(shard=0, releases=(released,)), author=HUB)
    signed = trust_list(1)[1]
    envelope = to_envelope(signed, PayloadType.TRUST_LIST).decode()
    published = hub.TrustListPublished(version=1, digest=signed.digest.hex(), document=envelope)
    yield Example(published, author=HUB)
    settings = hub.SettingsChanged(
        version=1, obligation_days=30, close_after_days=14, reopen_within_days=60, waitlist_grace_days=14
    )
    yield Example(settings, author=HUB)
    yield Example(hub.ConsentExpiryAnnounced(consent_id=CONSENT, expiring=1, until=LATER), author=HUB)
    yield Example(hub.GroundExpired(ground_id=STATUTORY, expired=1, due=LATER), author=HUB)

"""A partner's answer: one of three, recorded as the source's own record, as reported.

Invariants: a link answers once, in the transaction that records the answer; after its end, after an answer, or where the referral itself no longer
asks, it is the same as no link at all; nothing that a partner typed freely is recorded, since there is nowhere to type it.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from adapters.desk.standing import standing
from adapters.drafts import Draft
from adapters.partners.links import Links
from adapters.process.unit_house import UnitHouse
from adapters.storage.partner_mails import MailState, PartnerMail
from adapters.storage.unit_store import Transaction
from contracts.messages.referral import MoveFacts, ReferralAccepted, ReferralDeclined, ReferralWaitlisted
from contracts.referral_table import ReferralState

Choice = Literal["accept", "wait", "decline"]
_OPEN = frozenset({ReferralState.SENT, ReferralState.RECEIVED})
_NOBODY = "0" * 32


@dataclass(frozen=True, slots=True)
class Answer:
    """What the partner chose; `day` of a first meeting or of an expected place, `reason` of a refusal."""

    choice: Choice
    day: date | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """One unit's side of the page."""

    house: UnitHouse
    links: Links

    def asked(self, link: str) -> PartnerMail | None:
        """The question that a link is for; None where it answers nothing (any more). Looks the same way whatever the link is."""
        with self.house.store.read() as tx:
            return self._open(tx, link)

    def answer(self, link: str, answer: Answer) -> PartnerMail | None:
        """Record the answer; None where the link answers nothing (any more)."""
        self.house.book.reload()  # the adapter that reads the directory is another process
        now = self.house.clock.now()
        with self.house.store.write() as tx:
            mail = self._open(tx, link)
            if mail is None or not tx.partner_mails.answered(mail.mail_id, answer.choice, at=now):
                return None
            facts = self._facts(mail, answer)
            client = tx.clients.client_of(mail.subject)
            self.house.desk_within(tx).record(Draft(client, facts, now, category=mail.category))
        return mail

    def _open(self, tx: Transaction, link: str) -> PartnerMail | None:
        mail_id = self.links.open(link)
        mail = tx.partner_mails.find(mail_id or _NOBODY)
        if mail is None or mail.answered_at is not None or mail.expires_at <= self.house.clock.now():
            return None
        state = standing(tx.journal.of_subject(mail.subject), mail.referral_id)
        return mail if state in _OPEN and mail.state is not MailState.ANSWERED else None

    def _facts(self, mail: PartnerMail, answer: Answer) -> MoveFacts:
        match answer.choice:
            case "accept":
                meeting = None if answer.day is None else self._start(answer.day)
                return ReferralAccepted(referral_id=mail.referral_id, as_reported=True, first_meeting=meeting)
            case "wait":
                expected = self._end(answer.day or self.house.clock.now().date())
                return ReferralWaitlisted(referral_id=mail.referral_id, as_reported=True, expected=expected)
            case "decline":
                return ReferralDeclined(referral_id=mail.referral_id, as_reported=True, reason=answer.reason)

    def _start(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=self.house.directory.zone)

    def _end(self, day: date) -> datetime:
        """A civil date ends in the programme's time zone."""
        return self._start(day + timedelta(days=1))

    def today(self) -> date:
        """The programme's civil date."""
        return self.house.clock.now().astimezone(self.house.directory.zone).date()

    def last_day(self, mail: PartnerMail) -> date:
        """The last civil day on which the link answers."""
        return (mail.expires_at - timedelta(microseconds=1)).astimezone(self.house.directory.zone).date()

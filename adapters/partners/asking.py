"""Asking a partner: a signposting referral without personal data, and the e-mail that carries the question.

Invariants: both are recorded in one transaction or not at all; the referral has no content; the link ends with the referral's deadline, at the latest
after `LONGEST`.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.desk.actions.occasion import NOW, Occasion
from adapters.desk.actions.referrals import ReferralRecorded
from adapters.desk.recording_desk import DeskError
from adapters.drafts import ClientKey
from adapters.gate.subject_state import SIGNPOSTING
from adapters.partners.links import new_mail_id
from adapters.process.unit_house import UnitHouse
from adapters.storage.partner_mails import MailState, PartnerMail
from adapters.words import Language
from contracts.categories import Category

LONGEST: Final = timedelta(days=60)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_LONGEST_ADDRESS: Final = 254
_LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class Partner:
    """Whom to ask, in which language."""

    address: str
    name: str
    language: Language


def ask(  # noqa: PLR0913 - one keyword a field
    house: UnitHouse,
    client: ClientKey,
    category: Category,
    partner: Partner,
    *,
    answer_due: datetime,
    occasion: Occasion = NOW,
) -> ReferralRecorded:
    """Record the referral and the e-mail. Raises `DeskError` where there can be none."""
    now = house.clock.now()
    if _ADDRESS.fullmatch(partner.address) is None or len(partner.address) > _LONGEST_ADDRESS:
        raise DeskError("This is no e-mail address", advice="Write it as name@example.org, without a name before it.")
    if not partner.name.isprintable() or not 0 < len(partner.name.strip()) <= _LONGEST_NAME:
        raise DeskError(
            "This is no name of a partner", advice=f"Write it on one line, up to {_LONGEST_NAME} characters."
        )
    if answer_due <= now:
        raise DeskError("The last day for an answer is over", advice="Name a day that is still to come.")
    with house.store.write() as tx:
        sent = house.desk_within(tx).refer(
            client, category, target=None, answer_due=answer_due, kind=SIGNPOSTING, occasion=occasion
        )
        subject = tx.clients.subject_of(client)
        if sent.recorded.message_id is None or subject is None:
            return sent
        tx.partner_mails.add(
            PartnerMail(
                mail_id=new_mail_id(),
                referral_id=sent.referral_id,
                subject=subject,
                category=category,
                address=partner.address,
                partner=partner.name,
                language=partner.language,
                asked_at=now,
                expires_at=min(answer_due, now + LONGEST),
                next_attempt_at=now,
            )
        )
    return sent


def send_again(house: UnitHouse, mail_id: str) -> bool:
    """Put a dead e-mail into the queue again; False where there is no such one."""
    with house.store.write() as tx:
        found = [one for one in tx.partner_mails.all() if one.mail_id.startswith(mail_id)]
        if len(found) != 1 or found[0].state is not MailState.DEAD:
            return False
        tx.partner_mails.change(
            found[0].mail_id, state=MailState.WAITING.value, attempts=0, next_attempt_at=house.clock.now(), problem=None
        )
    return True

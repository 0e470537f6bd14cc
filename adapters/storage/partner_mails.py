"""E-mails to partners without an adapter: a durable queue, and what became of each.

Invariants: a row holds a partner's office address and no word about the client but the pseudonym; it is answered once; a dead one stays, with the
reason, until a person sends it again.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Column, Connection, Integer, Row, Select, String, Table, insert, select, update

from adapters.storage.column_types import Instant
from adapters.storage.tables import METADATA
from contracts.categories import Category
from contracts.names import ReferralId, SubjectId

PARTNER_MAIL: Final = Table(
    "partner_mail",
    METADATA,
    Column("mail_id", String(32), primary_key=True),
    Column("referral_id", String(36), nullable=False),
    Column("subject", String(60), nullable=False),
    Column("category", String(40), nullable=False),
    Column("address", String(254), nullable=False),
    Column("partner", String(200), nullable=False),
    Column("language", String(2), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant),
    Column("problem", String(200)),
    Column("sent_at", Instant),
    Column("answered_at", Instant),
    Column("answer", String(20)),
)


class MailState(StrEnum):
    """What became of an e-mail."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"
    """Given up: the mail server refused it, or it was tried too often."""
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class PartnerMail:
    """One e-mail with its question."""

    mail_id: str
    referral_id: ReferralId
    subject: SubjectId
    category: Category
    address: str
    partner: str
    language: str
    asked_at: datetime
    expires_at: datetime
    state: MailState = MailState.WAITING
    attempts: int = 0
    next_attempt_at: datetime | None = None
    problem: str | None = None
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    answer: str | None = None


class PartnerMails:
    """The e-mails over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, mail: PartnerMail) -> None:
        """A new one, to be sent."""
        self._connection.execute(insert(PARTNER_MAIL).values(asdict(mail)))

    def find(self, mail_id: str) -> PartnerMail | None:
        """One of them."""
        found = self._read(select(PARTNER_MAIL).where(PARTNER_MAIL.c.mail_id == mail_id))
        return found[0] if found else None

    def all(self) -> Sequence[PartnerMail]:
        """Every one, the newest first."""
        return self._read(select(PARTNER_MAIL).order_by(PARTNER_MAIL.c.asked_at.desc(), PARTNER_MAIL.c.mail_id))

    def due(self, at: datetime) -> PartnerMail | None:
        """The one that waits longest and may be tried now."""
        waiting = (PARTNER_MAIL.c.state == MailState.WAITING.value) & (PARTNER_MAIL.c.next_attempt_at <= at)
        found = self._read(select(PARTNER_MAIL).where(waiting).order_by(PARTNER_MAIL.c.next_attempt_at).limit(1))
        return found[0] if found else None

    def next_due(self) -> datetime | None:
        """When the next one may be tried."""
        waiting = PARTNER_MAIL.c.state == MailState.WAITING.value
        found = select(PARTNER_MAIL.c.next_attempt_at).where(waiting).order_by(PARTNER_MAIL.c.next_attempt_at).limit(1)
        return self._connection.execute(found).scalar_one_or_none()

    def change(self, mail_id: str, **columns: Any) -> None:  # noqa: ANN401 - values of any column
        """What became of it."""
        self._connection.execute(update(PARTNER_MAIL).where(PARTNER_MAIL.c.mail_id == mail_id).values(columns))

    def answered(self, mail_id: str, answer: str, *, at: datetime) -> bool:
        """Take the one answer; False where there is one already."""
        open_one = (PARTNER_MAIL.c.mail_id == mail_id) & PARTNER_MAIL.c.answered_at.is_(None)
        values = {"state": MailState.ANSWERED.value, "answered_at": at, "answer": answer, "next_attempt_at": None}
        return self._connection.execute(update(PARTNER_MAIL).where(open_one).values(values)).rowcount == 1

    def _read(self, statement: Select[Any]) -> list[PartnerMail]:
        return [_mail(row) for row in self._connection.execute(statement)]


def _mail(row: Row[Any]) -> PartnerMail:
    columns = row._mapping  # noqa: SLF001 - the documented way to a row's names, in spite of its underscore
    return PartnerMail(**{**columns, "state": MailState(row.state), "category": Category(row.category)})

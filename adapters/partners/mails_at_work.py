"""The queue of e-mails at work beside its unit.

Invariants: the queue is the unit's database, so that a crash or a restart loses none; one at a time; what is not taken is tried again with growing
pauses until its link would have ended or `MOST_ATTEMPTS`, and is then dead, which is shown. The log names no address and no client.
"""

import asyncio
import contextlib
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Final

import structlog

from adapters.errors import AdapterError
from adapters.partners.links import links_of
from adapters.partners.mail import MailNotTakenError, MailRefusedError, Sender, give, written
from adapters.process.unit_house import UnitHouse
from adapters.storage.partner_mails import MailState, PartnerMail

MOST_ATTEMPTS: Final = 12
_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=6)
_LOOK_AGAIN: Final = 30.0
"""Seconds after which the queue is looked at without being woken."""

_log = structlog.get_logger("spojka.adapter")


class MailsAtWork:
    """Sends what waits, until told to stop. Without `mail_host` nothing is sent and all waits."""

    def __init__(self, house: UnitHouse) -> None:
        self._house = house
        self._due = asyncio.Event()

    def wake(self) -> None:
        """Something was written to the unit's database."""
        self._due.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            self._due.clear()
            if self._house.settings.mail_host is not None:
                await asyncio.to_thread(self._send_or_tell)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), timeout=_LOOK_AGAIN)

    def _send_or_tell(self) -> None:
        """A trouble of the queue (a full disk, a damaged key) is not the unit's: it is logged, and the queue tried again."""
        try:
            self.send_due()
        except Exception as error:  # noqa: BLE001 - see above
            _log.warning("mails wait", unit=self._house.unit, problem=type(error).__name__)

    def send_due(self) -> int:
        """Send all that may be tried now; returns how many were tried."""
        tried = 0
        while (mail := self._next()) is not None:
            self._try(mail)
            tried += 1
        return tried

    def _next(self) -> PartnerMail | None:
        with self._house.store.read() as tx:
            return tx.partner_mails.due(self._house.clock.now())

    def _try(self, mail: PartnerMail) -> None:
        now = self._house.clock.now()
        if mail.expires_at <= now:
            self._keep(replace(mail, state=MailState.DEAD, problem="its last day is over", next_attempt_at=None))
            return
        again = replace(mail, attempts=mail.attempts + 1)
        try:
            message = self._message(mail)
        except AdapterError as error:
            self._keep(_later(again, error.problem[:200], now))
            return
        except ValueError as error:  # a header that no mail may have
            self._keep(replace(again, state=MailState.DEAD, problem=type(error).__name__, next_attempt_at=None))
            return
        try:
            give(message, self._house.settings)
        except MailRefusedError as error:
            self._keep(replace(again, state=MailState.DEAD, problem=str(error), next_attempt_at=None))
        except MailNotTakenError as error:
            self._keep(_later(again, str(error), now))
        else:
            self._keep(replace(again, state=MailState.SENT, sent_at=now, problem=None, next_attempt_at=None))

    def _message(self, mail: PartnerMail) -> EmailMessage:
        house = self._house
        named = house.directory.units.get(house.unit)
        day = (mail.expires_at - timedelta(microseconds=1)).astimezone(house.directory.zone).strftime("%Y-%m-%d")
        sender = Sender(house.unit if named is None else " ".join(named.name.split()), day)
        return written(
            mail, links_of(house.folder, house.unit).seal(mail.mail_id), settings=house.settings, sender=sender
        )

    def _keep(self, mail: PartnerMail) -> None:
        columns = ("attempts", "next_attempt_at", "problem", "sent_at")
        with self._house.store.write() as tx:
            current = tx.partner_mails.find(mail.mail_id)
            if current is None or current.state is MailState.ANSWERED:
                return  # answered while it was being sent again
            values = {name: getattr(mail, name) for name in columns}
            tx.partner_mails.change(mail.mail_id, state=mail.state.value, **values)
        if mail.problem is not None:
            _log.warning("mail not taken", unit=self._house.unit, state=mail.state.value, problem=mail.problem)


def _later(mail: PartnerMail, problem: str, now: datetime) -> PartnerMail:
    pause = min(_FIRST_PAUSE * 2 ** (mail.attempts - 1), _LONGEST_PAUSE)
    if mail.attempts >= MOST_ATTEMPTS or now + pause >= mail.expires_at:
        return replace(mail, state=MailState.DEAD, problem=problem, next_attempt_at=None)
    return replace(mail, problem=problem, next_attempt_at=now + pause)

"""The e-mail itself, and giving it to the mail server.

Invariants: plain text; no client, no case number, no date of birth; the area of support only where it is no special category; the same Message-ID at
every attempt, so that a mail server that took it twice delivers it once where it can. Nothing goes in clear to another machine: without STARTTLS
nothing is sent.
"""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Final

from adapters.settings import AdapterSettings
from adapters.storage.partner_mails import PartnerMail
from adapters.words import LANGUAGES, Language, Words
from contracts.categories import WHOLLY_SEALED
from projections.certificate_fault import refused_elsewhere
from projections.process.loopback import is_loopback

_TIMEOUT: Final = 20.0
_TLS_AT_ONCE: Final = 465
_PERMANENT: Final = 500


class MailRefusedError(Exception):
    """The mail server will never take it. Never leaves this room: it becomes the state of the e-mail."""


class MailNotTakenError(Exception):
    """Not now. Never leaves this room: it becomes the state of the e-mail."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose question it is, for a person to read."""

    unit: str
    zone_day: str
    """The last day for an answer, as people in the programme write it."""


def written(mail: PartnerMail, link: str, *, settings: AdapterSettings, sender: Sender) -> EmailMessage:
    """The message, in the partner's language."""
    words = Words(language_of(mail))
    message = EmailMessage()
    address = settings.mail_from or ""
    message["From"] = formataddr((sender.unit, address))
    message["To"] = formataddr((mail.partner, mail.address))
    message["Subject"] = words["partner.mail.subject"].format(unit=sender.unit)
    message["Date"] = format_datetime(mail.asked_at)
    message["Message-ID"] = f"<{mail.mail_id}@{address.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = words.language
    about = "" if mail.category in WHOLLY_SEALED else words.code("category", mail.category)
    lines = [
        words["partner.mail.greeting"],
        words["partner.mail.question"].format(unit=sender.unit),
        *([f"{words['about']}: {about}"] if about else []),
        f"{words['partner.mail.until']}: {sender.zone_day}",
        words["partner.mail.link"],
        f"{(settings.answer_url or '').rstrip('/')}/a/{link}",
        words["partner.mail.private"],
    ]
    message.set_content("\n\n".join(lines) + "\n", cte="quoted-printable")
    return message


def language_of(mail: PartnerMail) -> Language:
    """The partner's language; English where it is none of ours any more."""
    return next((one for one in LANGUAGES if one == mail.language), "en")


def give(message: EmailMessage, settings: AdapterSettings) -> None:
    """Give it to the mail server. Raises `MailRefusedError` for good, `MailNotTakenError` for now."""
    host, port = settings.mail_host or "", settings.mail_port
    try:
        with _connected(host, port) as server:
            if port != _TLS_AT_ONCE and not is_loopback(host):
                server.starttls(context=ssl.create_default_context())
            if settings.mail_username is not None and settings.mail_password is not None:
                server.login(settings.mail_username, settings.mail_password.get_secret_value())
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise (MailRefusedError if min(codes) >= _PERMANENT else MailNotTakenError)(f"recipient {codes[0]}") from None
    except smtplib.SMTPResponseException as error:
        about_us = isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError | smtplib.SMTPHeloError)
        refused = error.smtp_code >= _PERMANENT and not about_us
        raise (MailRefusedError if refused else MailNotTakenError)(
            f"{type(error).__name__} {error.smtp_code}"
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise MailNotTakenError("the mail server offers no STARTTLS, and nothing goes in clear") from None
    except (smtplib.SMTPException, OSError) as error:
        problem = refused_elsewhere(error, whose="the mail server")
        raise MailNotTakenError(problem or type(error).__name__) from None


def _connected(host: str, port: int) -> smtplib.SMTP:
    if port == _TLS_AT_ONCE:
        return smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=_TIMEOUT)

"""Webhooks added, removed, and what did not get through sent again.

Invariants: a name is short and plain, since it names a file; a webhook without its secret is not in use; content goes along only where settings and
webhook both say so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from adapters.followers.webhooks import secrets_kept
from adapters.followers.webhooks.news import FOLLOWER
from adapters.followers.webhooks.secrets_kept import WebhookError
from adapters.storage.unit_store import Transaction
from adapters.storage.webhooks import DeliveryState, KeptWebhook
from contracts.catalogue import CATALOGUE
from contracts.names import MessageType

_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """A webhook to be: `types` as the catalogue names them, none: everything."""

    name: str
    url: str
    types: tuple[str, ...] = ()
    content: bool = False


def add(tx: Transaction, folder: Path, wanted: Wanted, *, secret: str, at: datetime) -> KeptWebhook:
    """Send news there from now on. Raises `WebhookError` for a name, address, type or secret that is none."""
    _check(wanted)
    secrets_kept.check(secret)
    if tx.webhooks.find(wanted.name) is not None:
        raise WebhookError(f"There is a webhook {wanted.name}", advice="Take another name, or remove that one first.")
    if len(tx.webhooks.all()) >= _MOST:
        raise WebhookError(f"A unit has at most {_MOST} webhooks", advice="Remove one that is not used.")
    if not tx.webhooks.all():
        _begin_now(tx, at)
    secrets_kept.keep(folder, wanted.name, secret)
    webhook = KeptWebhook(wanted.name, wanted.url, wanted.types, wanted.content, at)
    tx.webhooks.add(webhook)
    return webhook


def remove(tx: Transaction, folder: Path, name: str, *, at: datetime) -> None:
    """Nothing more goes there. Raises `WebhookError` where there is none."""
    require(tx, name)
    tx.webhooks.remove(name, at=at)
    secrets_kept.drop(folder, name)


def resend(tx: Transaction, number: int, *, at: datetime) -> None:
    """Try a dead delivery anew, under its own id. Raises `WebhookError` where there is none."""
    found = tx.webhooks.delivery(number)
    if found is None or found.state is not DeliveryState.DEAD:
        raise WebhookError(f"No dead delivery has the number {number}", advice="Take it from the list of dead ones.")
    tx.webhooks.again(number, at=at)


def require(tx: Transaction, name: str) -> KeptWebhook:
    """The webhook of this name. Raises `WebhookError`."""
    found = tx.webhooks.find(name)
    if found is None:
        raise WebhookError(f"There is no webhook {name}", advice="Take its name from the list.")
    return found


def _begin_now(tx: Transaction, at: datetime) -> None:
    """While there was no webhook nothing was followed; what happened until now is news to nobody."""
    last = tx.journal.last_revision()
    place = tx.followers.begin(FOLLOWER, last, at=at)
    if place.position < last:
        tx.followers.advance(place, last, at=at)


def _check(wanted: Wanted) -> None:
    if _NAME.fullmatch(wanted.name) is None:
        raise WebhookError("A webhook's name is of a-z, 0-9 and hyphens, at most 40", advice="Take another name.")
    _check_url(wanted.url)
    unknown = _unknown(wanted.types)
    if unknown:
        raise WebhookError(
            f"No such type of entry: {', '.join(unknown)}",
            advice="Take types from contracts/catalogue.md, or none for all.",
        )


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        good = good and parts.username is None and not parts.fragment and url.isascii() and url.isprintable()
    except ValueError:
        good = False
    if not good or " " in url:
        raise WebhookError(
            "This is no address for a webhook", advice="Give https://host/path, without user, password or fragment."
        )


def _unknown(types: Sequence[str]) -> Sequence[str]:
    return [one for one in types if MessageType(one) not in CATALOGUE]

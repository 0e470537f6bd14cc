"""Tokens of a unit's local API: issued, checked, replaced, revoked.

Invariants: the text of a token is told once and stored nowhere, only its SHA-256 (its secret has 256 random bits, so nothing can be guessed from
that); a token names its unit and opens no other; comparing takes the same time whatever is wrong. Each check reads the database, so that a token
that was revoked in another process lets nobody in from that moment.
"""

import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from adapters.errors import AdapterError
from adapters.process.unit_house import UnitHouse
from adapters.storage.api_tokens import KeptToken
from contracts.names import UnitId

_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 5
_FORM: Final = re.compile(r"spojka\.([a-z0-9-]{1,40})\.([0-9a-f]{10})\.[A-Za-z0-9_-]{43}")
_NOBODY: Final = sha256(b"").digest()


class Scope(StrEnum):
    """What a token opens."""

    CLIENTS_READ = "clients:read"
    """See which case numbers the unit has."""
    CLIENTS_WRITE = "clients:write"
    """Begin to work with a client; link one who was referred to the unit."""
    ENTRIES_READ = "entries:read"
    """See what became of an entry that was sent: its state, nothing of its content."""
    ENTRIES_WRITE = "entries:write"
    """Record entries. Consents and referrals need their own scope besides."""
    TIMELINE_READ = "timeline:read"
    """See the timeline of a client. Each look is reported."""
    REFERRALS_READ = "referrals:read"
    """See the worklist and single referrals. Each look is reported."""
    REFERRALS_WRITE = "referrals:write"
    """Refer, answer, and move referrals on."""
    CONSENTS_WRITE = "consents:write"
    """Record what the client agreed to, took back, and asks for: restriction, erasure."""
    GROUNDS_READ = "reasons:read"
    """See who may see what of a client. Each look is reported."""
    REPORTS_READ = "reports:read"
    """Take a report or portable copy for a client that was gone through. Each time is reported."""
    ACCESSES_READ = "accesses:read"
    """See who looked at a client's data, as the client may. Each look is reported."""
    CORRECTIONS_READ = "corrections:read"
    """See what was refused and waits for a correction."""
    CORRECTIONS_WRITE = "corrections:write"
    """Correct it and send it again."""
    OUTBOX_READ = "waiting:read"
    """See what waits to be sent."""
    LINE_READ = "line:read"
    """See how the connection is: counts and states only."""
    WEBHOOKS_READ = "webhooks:read"
    """See where news are sent, and what did not get through."""
    WEBHOOKS_WRITE = "webhooks:write"
    """Say where news are sent; send again what did not get through."""


class TokenError(AdapterError):
    """There is no such token, or it cannot be made like that."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token. `text` is to be handed over now: it cannot be told again."""

    text: str
    kept: KeptToken


def unit_in(text: str) -> UnitId | None:
    """The unit that a token names; None for what is no token."""
    found = _FORM.fullmatch(text)
    return None if found is None else UnitId(found[1])


def issue(house: UnitHouse, *, label: str, scopes: Collection[Scope], valid: timedelta | None = None) -> Issued:
    """Make a token. Raises `TokenError` without scopes."""
    if not scopes:
        raise TokenError("A token without scopes opens nothing", advice=f"Name some of: {', '.join(Scope)}.")
    issued = _new(house, label=label, scopes=frozenset(one.value for one in scopes), valid=valid)
    with house.store.write() as tx:
        tx.api_tokens.add(issued.kept)
    return issued


def rotate(house: UnitHouse, token_id: str, *, overlap: timedelta = timedelta()) -> Issued:
    """A new token with the label and scopes of this one, good for as long as this one was made for; this one ends after `overlap`.

    Raises `TokenError` where it is not valid.
    """
    now = house.clock.now()
    with house.store.write() as tx:
        old = tx.api_tokens.find(token_id)
        if old is None or not old.valid(now):
            raise TokenError(f"There is no valid token {token_id}", advice="See the list, or make a new one.")
        issued = _new(house, label=old.label, scopes=old.scopes, valid=old.valid_for)
        tx.api_tokens.add(issued.kept)
        tx.api_tokens.end(token_id, at=now + overlap)
    return issued


def revoke(house: UnitHouse, token_id: str) -> None:
    """It lets nobody in from now on. Raises `TokenError` where there is none."""
    with house.store.write() as tx:
        if tx.api_tokens.find(token_id) is None:
            raise TokenError(f"There is no token {token_id}", advice="See the list.")
        tx.api_tokens.revoke(token_id, at=house.clock.now())


def checked(house: UnitHouse, text: str) -> KeptToken | None:
    """The token of this unit that this is, while it is valid; None for everything else."""
    found = _FORM.fullmatch(text)
    token = None
    if found is not None and found[1] == house.unit:
        with house.store.read() as tx:
            token = tx.api_tokens.find(found[2])
    same = hmac.compare_digest(sha256(text.encode()).digest(), _NOBODY if token is None else token.digest)
    return token if token is not None and same and token.valid(house.clock.now()) else None


def _new(house: UnitHouse, *, label: str, scopes: frozenset[str], valid: timedelta | None) -> Issued:
    token_id, now = secrets.token_hex(_ID_BYTES), house.clock.now()
    text = f"spojka.{house.unit}.{token_id}.{secrets.token_urlsafe(_SECRET_BYTES)}"
    expires_at = None if valid is None else now + valid
    return Issued(text, KeptToken(token_id, sha256(text.encode()).digest(), label, scopes, now, expires_at))

"""What came sealed, opened: the document in clear beside the bytes that were signed.

Invariants: opening changes nothing but the form of `data.sealed`; what no key opens stays as it came, and is opened when its key comes; a type of a
newer version is opened too, and shown raw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from adapters.storage.opening_keys import Opening
from adapters.storage.unit_store import Transaction
from contracts import strict_json
from contracts.envelope import Attributes, Message, parse_attributes
from contracts.errors import ContractsError
from contracts.facts import Jwe
from contracts.sealing.content_key import message_key
from contracts.sealing.jwe import JweError, kid_of, open_sealed
from contracts.sealing.release import Release

_log = structlog.get_logger("spojka.sealing")


@dataclass(frozen=True, slots=True)
class Sealed:
    """How a message came: under which content key, and the document in clear where that is here."""

    under: str | None = None
    document: bytes | None = None


def keep_keys(tx: Transaction, released: Sequence[tuple[Release, bytes]], *, at: datetime) -> None:
    """Keep released keys; that of an entry which was erased here is not kept."""
    named = [release.message_id for release, _ in released if release.message_id is not None]
    erased = tx.journal.erased(named) if named else frozenset()
    kept = [(one.key_id, one.message_id, secret) for one, secret in released if one.message_id not in erased]
    tx.opening_keys.keep(kept, at=at)


def look(tx: Transaction, came: Sequence[tuple[Attributes, bytes]]) -> list[Sealed]:
    """Messages as they came, each opened if it can be opened now."""
    jwes = [_jwe_of(message, payload) for message, payload in came]
    key_ids = [None if jwe is None else _kid(jwe) for jwe in jwes]
    wanted = [(key_id, came[n][0].id) for n, key_id in enumerate(key_ids) if key_id is not None]
    openings = tx.opening_keys.of_entries(wanted) if wanted else {}
    found = []
    for (message, payload), jwe, key_id in zip(came, jwes, key_ids, strict=True):
        opening = openings.get(message.id)
        document = None if opening is None or jwe is None else _opened(message, payload, jwe, opening)
        found.append(Sealed(key_id, document))
    return found


def open_waiting(tx: Transaction, releases: Sequence[Release]) -> list[bytes]:
    """Keys came: open what waited for them, so that followers see it again; returns the documents of own entries."""
    single = {one.message_id for one in releases}
    waiting = tx.journal.unopened({one.key_id for one in releases}) if releases else ()
    chosen = [one for one in waiting if None in single or one.message_id in single]
    read = [(parse_attributes(one.payload or b"")[0], one.payload or b"") for one in chosen]
    own: list[bytes] = []
    for entry, sealed in zip(chosen, look(tx, read), strict=True):
        if sealed.document is not None:
            tx.journal.change(entry.message_id, opened=sealed.document)
            own += [sealed.document] if entry.state is not None else []
    return own


def _kid(jwe: str) -> str | None:
    try:
        return kid_of(jwe)
    except JweError:
        return None  # nobody can open it; it shows what is clear


def _jwe_of(message: Attributes, payload: bytes) -> str | None:
    if isinstance(message, Message):
        return message.data.sealed.jwe if isinstance(message.data.sealed, Jwe) else None
    sealed = _sealed_in(strict_json.parse(payload))
    jwe = None if sealed is None else sealed.get("jwe")
    return jwe if isinstance(jwe, str) else None


def _opened(message: Attributes, payload: bytes, jwe: str, opening: Opening) -> bytes | None:
    secret = message_key(opening.content_key, message) if opening.whole else opening.secret
    try:
        plaintext = open_sealed(jwe, secret)
        content = strict_json.parse(plaintext)
    except ContractsError as error:
        _log.warning("an entry does not open under its key", message_id=message.id, problem=error.problem)
        return None
    return _in_place(message, payload, jwe, plaintext) or _written_again(payload, content)


def _in_place(message: Attributes, payload: bytes, jwe: str, plaintext: bytes) -> bytes | None:
    """The document by its bytes alone, which costs a tenth; None where they do not stand as our own code writes them.

    Of a type that is known here the facts are closed, and no bare quotation mark stands in a JSON string: so this is `data.sealed` and nothing else.
    """
    head, found, tail = payload.partition(b'"sealed":{"form":"jwe","jwe":"%b"}' % jwe.encode())
    if not found or not isinstance(message, Message):
        return None
    return b'%b"sealed":{"form":"clear","content":%b}%b' % (head, plaintext.strip(), tail)


def _written_again(payload: bytes, content: dict[str, object]) -> bytes | None:
    document = strict_json.parse(payload)
    sealed = _sealed_in(document)
    if sealed is None:
        return None
    sealed.clear()
    sealed.update(form="clear", content=content)
    return strict_json.canonical(document)


def _sealed_in(document: dict[str, Any]) -> dict[str, Any] | None:
    data = document.get("data")
    sealed = data.get("sealed") if isinstance(data, dict) else None
    return sealed if isinstance(sealed, dict) else None

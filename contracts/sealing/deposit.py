"""A content key on its way to the key service: the value of the header `spojka-key` of a `key.deposited` message.

Invariants: the key is split into one share a custodian (key = XOR of all), each sealed to that custodian's encryption key; the message names the
value's hash and the key's id, so nothing can be put in its place; it travels beside the signed bytes, so that no log, dead letter or export holds it.
"""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import reduce
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts import strict_json
from contracts.names import Key, KeyId
from contracts.sealing.content_key import ContentKey, KeyLabel, checked, length_prefixed
from contracts.sealing.suites import EncryptionKeyError, OpeningKey, SealingKey

MAX_DEPOSIT: Final = 16 * 1024
"""Bytes of the header's value: room for eight custodians."""


class Share(BaseModel):
    """One custodian's part."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    to: Key
    """The id of the encryption key to which it is sealed."""
    sealed: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]


class Deposit(BaseModel):
    """All shares of one key."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    shares: Annotated[tuple[Share, ...], Field(min_length=1, max_length=8)]


def deposit(key: ContentKey, label: KeyLabel, *, custodians: Sequence[SealingKey]) -> bytes:
    """The header's value. `custodians` are taken in the order given, one share each."""
    parts = _split(key.secret, len(custodians))
    sealed = [to.seal(part, deposit_info(key.key_id, label, to)) for to, part in zip(custodians, parts, strict=True)]
    shares = [Share(to=to.key_id, sealed=b64encode(one).decode()) for to, one in zip(custodians, sealed, strict=True)]
    return strict_json.canonical(Deposit(shares=tuple(shares)).model_dump(mode="json"))


def read_deposit(value: bytes) -> Deposit:
    """The shares of a deposit. Raises `EncryptionKeyError` where it is none."""
    try:
        strict_json.parse(value)
        return Deposit.model_validate_json(value)
    except (strict_json.StrictJsonError, ValidationError) as error:
        raise EncryptionKeyError("not a deposited key", advice="Write the shares as the contract says.") from error


def open_share(share: Share, opening: OpeningKey, label: KeyLabel, *, key_id: str) -> bytes:
    """One custodian's part in clear. Raises `EncryptionKeyError`."""
    return opening.open(b64decode(share.sealed), deposit_info(key_id, label, opening.sealing_key))


def joined(parts: Sequence[bytes], key_id: str) -> ContentKey:
    """The key from all its parts. Raises `KeyMismatchError` where it is not the one that its id names."""
    return checked(reduce(_xor, parts), key_id)


def named_custodians(value: Deposit) -> list[KeyId]:
    """The keys to which a deposit is sealed, in its order."""
    return [share.to for share in value.shares]


def _split(secret: bytes, count: int) -> list[bytes]:
    drawn = [secrets.token_bytes(len(secret)) for _ in range(count - 1)]
    return [*drawn, reduce(_xor, drawn, secret)]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))


def deposit_info(key_id: str, label: KeyLabel, to: SealingKey) -> bytes:
    """HPKE's `info` of a share: what the key is for, and to whom it goes."""
    parts = (to.suite.value, "deposit", label.programme, label.author, to.key_id, label.subject, label.scope)
    return length_prefixed(*parts, str(label.epoch), key_id)

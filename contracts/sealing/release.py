"""A key on its way to a recipient: a signed record of its feed, outside the chain, as receipts are (DESIGN section 9).

Invariants: a release names what permitted it, so the log's `key.released` and the ground can be compared with it; live entries release the
content key of their epoch, back-filled ones the key of one message each; sealed to an encryption key of the trust list, bound to what it is for.
"""

from base64 import b64decode, b64encode
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.names import Ground, Id, Key, Programme, Sha256Hex, Slug, Unit
from contracts.sealing.content_key import KeyLabel, length_prefixed
from contracts.sealing.suites import OpeningKey, SealingKey, SuiteId


class Release(BaseModel):
    """One key for one unit. Signed by the hub's key service."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    programme: Programme
    recipient: Unit
    author: Unit
    """Who made the content key."""
    subject: Annotated[str, Field(min_length=1, max_length=120)]
    """The subject of publication, or the source of messages about none."""
    scope: Slug
    epoch: Annotated[int, Field(ge=1)]
    key_id: Sha256Hex
    """Of the content key, as `kid` in the sealed messages names it."""
    message_id: Id | None = None
    """The one message that this key opens; absent where it is the content key itself."""
    shard: Annotated[int, Field(ge=0)]
    position: Annotated[int, Field(ge=0)]
    """Of the entry that led to the release."""
    ground_id: Ground | None = None
    to: Key
    """The recipient's encryption key."""
    sealed: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]

    @property
    def label(self) -> KeyLabel:
        """What the content key is for."""
        return KeyLabel(self.programme, self.author, self.subject, self.scope, self.epoch)


def seal_release(draft: Release, secret: bytes, to: SealingKey) -> Release:
    """The release with the key sealed into it; `sealed` and `to` of the draft do not matter."""
    named = draft.model_copy(update={"to": to.key_id})
    return named.model_copy(update={"sealed": b64encode(to.seal(secret, release_info(named, to.suite))).decode()})


def open_release(release: Release, opening: OpeningKey) -> bytes:
    """The key in clear: a content key, to be checked against `key_id`, or a message key. Raises `EncryptionKeyError`."""
    return opening.open(b64decode(release.sealed), release_info(release, opening.suite))


def release_info(release: Release, suite: SuiteId) -> bytes:
    """HPKE's `info` of a release: what the key is for, and to whom it goes."""
    parts = (suite.value, "release", release.programme, "hub", release.to, release.subject, release.scope)
    return length_prefixed(*parts, str(release.epoch), release.key_id, release.message_id or "", release.author)

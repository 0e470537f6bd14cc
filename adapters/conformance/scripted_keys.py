"""A key service that releases rightly and wrongly, and a partner that seals rightly and wrongly. Pure.

Invariant: what is wrong is wrong in one thing only, and would open for whoever does not look at that thing.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol

from adapters.conformance.cast import Cast
from adapters.conformance.odd_jwe import tampered, with_a_type
from adapters.conformance.voice import Voice
from contracts import strict_json
from contracts.categories import Category
from contracts.envelope import parse_attributes
from contracts.feed_record import FeedRecord, payload_of, write_signed
from contracts.keys import KeyUse
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import MessageId, SubjectId, UnitId
from contracts.pae import PayloadType
from contracts.sealing.content_key import ContentKey, message_key
from contracts.sealing.jwe import seal
from contracts.sealing.release import Release, seal_release
from contracts.sealing.suites import SealingKey
from contracts.signed_bytes import SignedBytes


class _Sealing(Protocol):
    """As `contracts.sealing.jwe.seal`."""

    def __call__(self, plaintext: bytes, message_key: bytes, *, kid: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """An assessed need of the partner's; `text` is what whoever opens it reads."""

    id: MessageId
    text: str
    key: ContentKey
    kid: str
    """The id of that key, or of the key that it says to be."""
    scope: str
    message: SignedBytes
    opened_by: bytes
    """Its message key."""


@dataclass(slots=True)
class ScriptedKeys:
    """Seals for one subject, each entry under a key of its own unless one is given."""

    cast: Cast
    partner: Voice
    subject: SubjectId
    to: SealingKey
    """The encryption key of the unit under test."""
    _made: int = 0

    def entry(self, category: Category = Category.HOUSING, key: ContentKey | None = None) -> Entry:
        """Sealed as agreed."""
        return self._entry(category, key or ContentKey.generate(), seal)

    def under_anothers_key(self) -> Entry:
        """Sealed under a key that is not the one which `kid` names; its release has that key, under that name."""
        named = ContentKey.generate().key_id

        def sealing(plaintext: bytes, message_key: bytes, *, kid: str) -> str:
            del kid
            return seal(plaintext, message_key, kid=named)

        return replace(self._entry(Category.HOUSING, ContentKey.generate(), sealing), kid=named)

    def with_another_header(self) -> Entry:
        """Sealed with a header that holds more than alg, enc and kid."""
        return self._entry(Category.HOUSING, ContentKey.generate(), with_a_type)

    def tampered(self) -> Entry:
        """Sealed as agreed, and then a bit of the tag changed."""
        return self._entry(Category.HOUSING, ContentKey.generate(), tampered)

    def release(
        self,
        entry: Entry,
        *,
        message_id: MessageId | None = None,
        recipient: UnitId | None = None,
        use: KeyUse = KeyUse.RELEASES,
    ) -> bytes:
        """The key of an entry for the unit under test, as a record of its feed: its content key, or with `message_id` its message key."""
        draft = Release(
            programme=self.cast.programme,
            recipient=recipient or self.cast.unit,
            author=self.partner.unit,
            subject=self.subject,
            scope=entry.scope,
            epoch=1,
            key_id=entry.kid,
            message_id=message_id,
            shard=0,
            position=1,
            to=self.to.key_id,
            sealed="AA==",
        )
        given = entry.key.secret if message_id is None else entry.opened_by
        payload, signer = payload_of(seal_release(draft, given, self.to)), self.cast.hub_keys[use]
        signed = SignedBytes(payload, signer.key_id, signer.sign(PayloadType.RELEASE, payload))
        return write_signed(FeedRecord("release", signed))

    def _entry(self, category: Category, key: ContentKey, sealing: _Sealing) -> Entry:
        self._made += 1
        text = f"kit finding {self._made}"
        facts = NeedAssessed(dimension=category.value, level="high")
        content = NeedContent(finding=text)
        spoken = self.partner.compose(facts, subject=self.subject, category=category, content=content)
        attributes, document = parse_attributes(spoken.payload)
        derived = message_key(key, attributes)
        data: Any = document["data"]
        plain = strict_json.canonical(data["sealed"]["content"])
        data["sealed"] = {"form": "jwe", "jwe": sealing(plain, derived, kid=key.key_id)}
        signed = self.partner.sign(strict_json.canonical(document))
        return Entry(spoken.id, text, key, key.key_id, category.value, signed, derived)

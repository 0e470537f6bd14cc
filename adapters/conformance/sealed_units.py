"""The kit's units where content is sealed: they deposit, seal, and open what they are given, rightly and wrongly.

Invariant: an epoch is what the scene says; nothing is deposited or turned by itself, so that it can be wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from adapters.conformance.scripted_units import ScriptedUnits, Sent
from adapters.conformance.voice import Spoken
from contracts.categories import Category
from contracts.envelope import parse_attributes
from contracts.errors import ContractsError
from contracts.facts import Facts, SealedContent
from contracts.kafka_record import SEALED_KEY
from contracts.messages.key import KeyDeposited
from contracts.names import MessageId, SubjectId, UnitId
from contracts.sealing.content import seal_content
from contracts.sealing.content_key import ContentKey, KeyLabel, message_key
from contracts.sealing.deposit import deposit
from contracts.sealing.release import Release, open_release
from contracts.sealing.suites import OpeningKey, SealingKey


@dataclass(frozen=True, slots=True)
class Scoped:
    """A content key and what it is for."""

    key: ContentKey
    label: KeyLabel


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry as it was sent, and the key of this one message."""

    sent: Sent
    under: Scoped
    message_key: bytes


class SealedUnits:
    """Speaks for the kit's units about one subject."""

    def __init__(self, units: ScriptedUnits, opening: Mapping[UnitId, OpeningKey], subject: SubjectId) -> None:
        self.units = units
        self.subject = subject
        self._opening = opening

    def key(self, unit: UnitId, scope: str, epoch: int) -> Scoped:
        """A fresh one."""
        label = KeyLabel(self.units.directory.listed.programme, unit, self.subject, scope, epoch)
        return Scoped(ContentKey.generate(), label)

    async def deposit(self, one: Scoped, custodian: SealingKey, *, beside: bool = True) -> Sent:
        """Deposit a key, or only say so."""
        header = deposit(one.key, one.label, custodians=[custodian])
        facts = KeyDeposited(
            key_id=one.key.key_id,
            scope=one.label.scope,
            epoch=one.label.epoch,
            deposit_hash=sha256(header).hexdigest(),
        )
        spoken = self.units.voices[one.label.author].compose(facts, subject=self.subject)
        return await self.units.send_with(one.label.author, spoken, *([(SEALED_KEY, header)] if beside else []))

    async def say(
        self,
        under: Scoped,
        facts: Facts,
        content: SealedContent,
        category: Category | None = None,
        **attributes: object,
    ) -> Sealed:
        """Seal and send."""
        unit = under.label.author
        spoken = self.units.voices[unit].compose(
            facts,
            subject=self.subject,
            category=category,
            content=content,
            **attributes,  # type: ignore[arg-type] # passed on as they are
        )
        payload = seal_content(spoken.payload, under.key)
        sent = await self.units.send(unit, Spoken(spoken.id, spoken.key, spoken.sequence, payload))
        return Sealed(sent, under, message_key(under.key, parse_attributes(payload)[0]))

    def released(self, unit: UnitId) -> list[tuple[Release, bytes | None]]:
        """Every key that a unit was given, opened; None where it does not open."""
        return [(one, self._opened(unit, one)) for one in self.units.chains[unit].releases]

    def content_key(self, unit: UnitId, one: Scoped) -> bool:
        """Whether a unit was given a content key that opens and is the one."""
        return any(
            release.key_id == one.key.key_id and release.message_id is None and secret == one.key.secret
            for release, secret in self.released(unit)
        )

    def message_key(self, unit: UnitId, one: Sealed) -> bool:
        """Whether a unit was given the key of this one message."""
        return any(
            release.message_id == one.sent.id and secret == one.message_key for release, secret in self.released(unit)
        )

    def about(self, unit: UnitId, *, keys: Mapping[str, str], messages: Mapping[MessageId, str]) -> list[str]:
        """What a unit was given that opens one of these keys or messages, by their names here."""
        found = [
            keys.get(one.key_id) if one.message_id is None else messages.get(one.message_id)
            for one in self.units.chains[unit].releases
        ]
        return [one for one in found if one is not None]

    def _opened(self, unit: UnitId, release: Release) -> bytes | None:
        try:
            return open_release(release, self._opening[unit])
        except ContractsError:
            return None

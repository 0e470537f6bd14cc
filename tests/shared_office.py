"""A unit (UP) at its command line, up to date with its hub, to which OP gave entries about one client."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from adapters import commands, keyring
from adapters.process.unit_house import KEYS, UnitHouse
from adapters.settings import load_settings, unit_folder
from adapters.storage.journal import EntryKind, NewEntry
from contracts.categories import Category, Purpose
from contracts.envelope import parse
from contracts.feed_head import FeedHead
from contracts.messages.access import RecordAccessed
from contracts.messages.hub import ObligationOpened
from contracts.messages.referral import ReferralContent, ReferralSent
from contracts.messages.service import ServiceContent, ServiceDelivered
from contracts.names import GroundId, MessageId, ObligationId, ReferralId, UnitId
from tests.simulated_hub import GROUND, NOON, PROGRAMME, SUBJECT, SimulatedHub

if TYPE_CHECKING:
    from pathlib import Path

    from contracts.signed_bytes import SignedBytes

OP, UP = UnitId("op"), UnitId("up")
DUTY = ObligationId("0190c5a0-0000-7000-8000-00000000d001")


@dataclass
class SharedOffice:
    """UP's home."""

    home: Path
    hub: SimulatedHub

    @classmethod
    def make(cls, home: Path) -> SharedOffice:
        keys = {unit: keyring.create(unit_folder(home, unit) / KEYS, unit) for unit in (UP,)}
        hub = SimulatedHub(unit_keys={OP: SimulatedHub().unit_keys[OP], **keys})
        (home / "trust-list-1.dsse.json").write_bytes(hub.envelopes[0])
        (home / "story").write_text(NOON.isoformat())
        (home / "adapter.toml").write_text(
            f'programme = "{PROGRAMME}"\nbootstrap = "localhost:1"\nclock = "file:story"\nhealth_port = 0\n'
        )
        office = cls(home, hub)
        office.up_to_date()
        return office

    def type(self, *words: str, code: int = 0) -> str:
        """One command."""
        result = CliRunner().invoke(commands.app, [*words, "--home", str(self.home)])
        assert result.exit_code == code, (result.output, result.exception)
        return str(result.output)

    def fails(self, *words: str) -> str:
        """One command that ends with an error of ours; returns what it says."""
        result = CliRunner().invoke(commands.app, [*words, "--home", str(self.home)])
        assert result.exit_code == 1
        return str(result.exception)

    def house(self) -> UnitHouse:
        return UnitHouse.open(load_settings(self.home), UP)

    def up_to_date(self) -> None:
        """A head was reached, so entries of others show."""
        head = FeedHead(
            programme=PROGRAMME, recipient=UP, shard=0, generation=1, sequence=0, link="0" * 64, inbox=(), time=NOON,
            trust_list=1,
        )  # fmt: skip
        house = self.house()
        with house.store.write() as tx:
            tx.places.set_head(head, at=NOON)
        house.close()

    def give(self, message: SignedBytes) -> MessageId:
        """An entry of OP came by the feed."""
        read = parse(message.payload)
        entry = NewEntry(
            message_id=read.id,
            subject=read.subject,
            author=read.unit,
            type=read.type,
            category=read.category,
            time=read.time,
            payload=message.payload,
            kind=EntryKind.GIVEN,
            recorded_at=NOON,
            ground_id=GROUND,
        )
        house = self.house()
        with house.store.write() as tx:
            tx.journal.add([entry])
        house.close()
        return read.id

    def for_control(self, number: int) -> MessageId:
        """An entry of OP about housing, given for another purpose than support."""
        return self.give(self.hub.message_of(OP, number, purpose=Purpose.CONTROL))

    def service(self, number: int, notes: str) -> MessageId:
        """A service of OP with something that a person wrote."""
        facts = ServiceDelivered(service="bednight", quantity=str(number), unit_of_quantity="nights")
        return self.give(self.hub.message_of(OP, number, facts=facts, content=ServiceContent(notes=notes)))

    def referral(self, number: int, message: str) -> MessageId:
        """A referral of OP to UP."""
        facts = ReferralSent(
            referral_id=ReferralId(DUTY), kind="referral", target=UP, answer_due=NOON + timedelta(days=9)
        )
        content = ReferralContent(message=message)
        return self.give(self.hub.message_of(OP, number, facts=facts, content=content))

    def adopt(self, client: str) -> None:
        """UP links the client with its own case number."""
        house = self.house()
        house.desk.adopt(SUBJECT, client)  # type: ignore[arg-type] # a case number as typed
        house.close()

    def must_erase(self, *entries: MessageId) -> None:
        """The hub gave UP a duty."""
        facts = ObligationOpened(
            obligation_id=DUTY,
            unit=UP,
            ground_id=GroundId(GROUND),
            because="withdrawn",
            entries=entries,
            categories=(Category.HOUSING,),
            due=NOON + timedelta(days=3),
        )
        house = self.house()
        with house.store.write() as tx:
            tx.obligations.open(facts, subject=SUBJECT, at=NOON)
        house.close()

    def reported(self) -> list[tuple[str, tuple[MessageId, ...]]]:
        """Who was reported to have read which entries."""
        house = self.house()
        with house.store.read() as tx:
            entries = [parse(one.payload or b"") for one in tx.journal.since(0, limit=1000)]
        house.close()
        facts = [one.facts for one in entries]
        return [(one.reader, one.entries) for one in facts if isinstance(one, RecordAccessed)]

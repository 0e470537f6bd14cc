"""An advice office at its command line, in a town whose other units answer: one folder with settings, key, database and a person's sheets."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from adapters import commands, keyring
from adapters.process.unit_databases import UnitDatabases
from adapters.process.unit_house import DATABASE, KEYS
from adapters.settings import unit_folder
from adapters.storage.feed_places import ChainState
from contracts.dsse import to_envelope
from contracts.feed_head import FeedHead
from contracts.feed_record import document, read
from contracts.names import UnitId
from contracts.pae import PayloadType
from tests.simulation.desks import DeskUnit, Town
from tests.simulation.programme import DECIN

OP = UnitId("op")


@dataclass(frozen=True, slots=True)
class Office:
    """Types commands for the unit `op`; the town carries what they record."""

    home: Path
    town: Town

    def type(self, *words: str, code: int = 0) -> str:
        """What the command prints. The line is carried before and after it."""
        self.catch_up()
        result = CliRunner().invoke(commands.app, [*words], env={"SPOJKA_ADAPTER_HOME": str(self.home)})
        assert result.exit_code == code, (result.output, result.exception)
        self.catch_up()
        return str(result.output)

    def catch_up(self) -> None:
        """Everything arrives, and the office knows that it did: the hub's head vouches for it."""
        self.town.settle()
        for value in self.town.hub.relay.heads([OP]):
            head = document(read(value.value).signed, FeedHead)
            at = ChainState(head.shard, head.generation, head.sequence, bytes.fromhex(head.link))
            with self.town["op"].store.write() as tx:
                tx.places.set_chain(at)
                tx.places.set_head(head, at=self.town.hub.clock.now())

    def move_to(self, at: datetime) -> None:
        """The story's clock goes on, for the town and for the commands."""
        self.catch_up()
        self.town.hub.move_to(at)
        (self.home / "story").write_text(at.isoformat())
        self.catch_up()


def open_office(home: Path, town_folder: Path) -> Office:
    """The office's folder, and the town around it."""
    town = Town(town_folder)
    town["op"].store.close()
    folder = unit_folder(home, OP)
    keys = folder / KEYS
    keys.mkdir(mode=0o700, parents=True)
    private = Ed25519PrivateKey.from_private_bytes(town.hub.units["op"].key.seed)
    pem = keyring.path_of(keys, OP)
    pem.touch(mode=0o600)
    pem.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    town.units["op"] = DeskUnit("op", town.hub, folder / DATABASE, UnitDatabases.of(folder, OP).store)
    (home / "trust-list-1.dsse.json").write_bytes(to_envelope(town.hub.signed_list, PayloadType.TRUST_LIST))
    (home / "adapter.toml").write_text(
        f'programme = "{DECIN}"\nbootstrap = "localhost:1"\nclock = "file:story"\nlanguage = "cs"\n'
    )
    office = Office(home, town)
    office.move_to(town.hub.clock.now())
    return office

"""A key service as a process beside a `HubRig`, with the keys of a `SealedSimulation`."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from contracts.dsse import to_envelope
from contracts.feed_record import document
from contracts.keys import KeyUse
from contracts.pae import PayloadType
from contracts.sealing.release import Release
from hub.application.key_opening import bound_to_deposit
from hub.application.key_ports import DepositKey
from hub.entrypoints.settings import LOG_KEK
from hub.infrastructure.key_encryption import KekFile, KekSet
from hub.infrastructure.key_encryption_choice import key_encryption
from hub.infrastructure.postgres.database_users import address_as
from hub.infrastructure.postgres.key_store import PostgresKeyStore
from hub.infrastructure.postgres.migrate import KEY_TABLES, migrate
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from projections.kafka.batch_producer import OutgoingRecord
from projections.kafka.positions import RawRecord
from tests.integration.hub_rig import FeedEnd, HubRig
from tests.simulation.programme import START
from tests.simulation.sealed import Keyring, SealedSimulation

_RUN = "from hub.entrypoints.keys.commands import main; main()"


@dataclass
class KeyRig:
    """Writes the home of a key service and runs it."""

    hub: HubRig
    database: str
    simulation: SealedSimulation

    def prepare(self) -> None:
        """Home, tables, and the one deposit key."""
        home = self.hub.folder / "keys-home"
        (home / "keys").mkdir(parents=True, mode=0o700)
        keys = ((KeyUse.MESSAGES, self.simulation.reports_key), (KeyUse.RELEASES, self.simulation.releases_key))
        for use, key in keys:
            path = home / "keys" / f"{use}.key"
            path.write_text(f'{{"key_id": "{key.key_id}", "seed": "{key.seed.hex()}"}}')
            path.chmod(0o600)
        envelope = to_envelope(self.simulation.signed_list, PayloadType.TRUST_LIST)
        (home / "trust-list-1.dsse.json").write_bytes(envelope)
        KekFile(home / "kek.json").create(KekSet.fresh("kek-1"))
        shutil.copy(self.hub.folder / "hub" / LOG_KEK, home / "log-kek.json")
        self.environment = self.hub.environment | {
            "SPOJKA_KEYS_HOME": str(home),
            "SPOJKA_KEYS_DATABASE": self.database,
            "SPOJKA_KEYS_LOG": address_as(self.hub.dsn, self.hub.users, DatabaseUser.KEYS),
            "SPOJKA_KEYS_BOOTSTRAP": f"file:{self.hub.address}",
            "SPOJKA_KEYS_CLOCK": f"file:{self.hub.clock}",
            "SPOJKA_KEYS_REHEARSAL": "true",
            "SPOJKA_KEYS_PORT": "0",
        }
        migrate(self.database, 0, revisions=KEY_TABLES)
        deposit = self.simulation.deposit_key
        kek = key_encryption(f"file:{home / 'kek.json'}")
        (wrapped,) = kek.wrap([(deposit.private_bytes, bound_to_deposit(deposit.key_id))])
        with self.store() as store:
            store.add_deposit_key(DepositKey(deposit.key_id, deposit.suite, START, wrapped))

    def start(self) -> None:
        """Run it; `hub.kill("keys")` and `hub.stop("keys")` end it."""
        log = (self.hub.folder / "keys.log").open("ab")
        command = [sys.executable, "-c", _RUN, "run"]
        self.hub.processes["keys"] = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)

    @contextmanager
    def store(self) -> Iterator[PostgresKeyStore]:
        """Look into its database."""
        session = Session(ShardDatabase(self.database, 0), name="test")
        yield PostgresKeyStore(session)
        session.close()


def outgoing(record: RawRecord) -> OutgoingRecord:
    """A record of the simulation as its adapter would send it."""
    return OutgoingRecord(record.topic, record.partition, record.key, record.value or b"", record.headers)


def keyring(simulation: SealedSimulation, feed: FeedEnd, unit: str) -> Keyring:
    """What a unit can open by what lies on its feed so far."""
    ring = Keyring(simulation.encryption[unit])
    for record in feed.records:
        if record.kind == "release":
            ring.take(document(record.signed, Release))
    return ring

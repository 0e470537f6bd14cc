"""The home of a unit's adapter as its IT person would make it, with a key that a simulated programme lists; and its clients' consents."""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters import keyring
from adapters.desk.actions.consents import ConsentRecorded, Paper, Terms
from adapters.desk.desk import Desk
from adapters.drafts import ClientKey
from adapters.process.unit_house import KEYS
from adapters.settings import AdapterSettings, load_settings, unit_folder
from contracts.categories import Category
from contracts.dsse import to_envelope
from contracts.grants import to_unit
from contracts.names import UnitId
from contracts.pae import PayloadType
from contracts.sealing.suites import OpeningKey
from tests.simulation.programme import DECIN, START, Simulation
from tests.simulation.sealed import SealedSimulation


def make_home(home: Path, unit: UnitId, *, simulation: Simulation, bootstrap: str, clock: Path) -> AdapterSettings:
    """Keys, first trust list and settings; `bootstrap` and `clock` as the settings take them, the clock a story's file."""
    keys = unit_folder(home, unit) / KEYS
    keys.mkdir(parents=True, mode=0o700)
    private = Ed25519PrivateKey.from_private_bytes(simulation.units[unit].key.seed)
    pem = keyring.path_of(keys, unit)
    pem.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem.chmod(0o600)
    (home / "trust-list-1.dsse.json").write_bytes(to_envelope(simulation.signed_list, PayloadType.TRUST_LIST))
    if isinstance(simulation, SealedSimulation):
        _write_encryption_key(keyring.encryption_path_of(keys, unit), simulation.encryption[unit])
    (home / "adapter.toml").write_text(
        f'programme = "{DECIN}"\nbootstrap = "{bootstrap}"\nclock = "file:{clock}"\nrehearsal = true\nhealth_port = 0\n'
    )
    return load_settings(home)


def _write_encryption_key(path: Path, key: OpeningKey) -> None:
    document = {"key_id": key.key_id, "suite": key.suite.value, "private_key": b64encode(key.private_bytes).decode()}
    path.write_text(json.dumps(document))
    path.chmod(0o600)


def take_consents(
    desk: Desk, clients: Iterable[ClientKey], units: Sequence[UnitId]
) -> dict[ClientKey, ConsentRecorded]:
    """Each client lets these units share skills with each other."""
    terms = Terms(
        sources=list(units),
        recipients=[to_unit(unit) for unit in units],
        categories=[Category.SKILLS],
        until=START + timedelta(days=300),
        history_from=START,
    )
    paper = Paper(kinds=("consent", "release-from-secrecy"))
    return {client: desk.take_consent(client, terms, paper) for client in clients}

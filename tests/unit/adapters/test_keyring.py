"""The unit's key file."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters import keyring
from adapters.keyring import KeyringError
from contracts.names import UnitId
from contracts.sealing.suites import SuiteId

OP = UnitId("op")


def test_the_key_that_was_made_is_the_key_that_is_loaded(tmp_path: Path) -> None:
    made = keyring.create(tmp_path / "keys", OP)
    assert keyring.load(tmp_path / "keys", OP).key_id == made.key_id
    assert keyring.load_or_create(tmp_path / "keys", OP).key_id == made.key_id


def test_nobody_else_on_the_machine_can_read_a_new_key(tmp_path: Path) -> None:
    keyring.create(tmp_path, OP)
    assert keyring.path_of(tmp_path, OP).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused_and_not_mended(tmp_path: Path, mode: int) -> None:
    keyring.create(tmp_path, OP)
    path = keyring.path_of(tmp_path, OP)
    path.chmod(mode)
    with pytest.raises(KeyringError, match="Others may read"):
        keyring.load(tmp_path, OP)
    assert path.stat().st_mode & 0o777 == mode


def test_an_existing_key_is_never_overwritten(tmp_path: Path) -> None:
    made = keyring.create(tmp_path, OP)
    with pytest.raises(KeyringError, match="already"):
        keyring.create(tmp_path, OP)
    assert keyring.load(tmp_path, OP).key_id == made.key_id


def test_a_missing_or_broken_key_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="restore the key"):
        keyring.load(tmp_path, OP)
    path = keyring.path_of(tmp_path, OP)
    path.touch(mode=0o600)
    with pytest.raises(KeyringError, match="Restore it"):
        keyring.load(tmp_path, OP)
    path.write_bytes(X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyringError, match="not an Ed25519 key"):
        keyring.load(tmp_path, OP)


@pytest.mark.parametrize("suite", list(SuiteId))
def test_what_was_sealed_to_an_earlier_encryption_key_opens_after_a_new_one_was_made(
    tmp_path: Path, suite: SuiteId
) -> None:
    assert keyring.load_encryption(tmp_path, OP) == []
    first, second = (keyring.add_encryption(tmp_path / "keys", OP, suite) for _ in range(2))
    kept = {key.key_id: key for key in keyring.load_encryption(tmp_path / "keys", OP)}
    assert list(kept) == [first.key_id, second.key_id]
    for key in (first, second):
        assert kept[key.key_id].open(key.sealing_key.seal(b"a secret", b"for"), b"for") == b"a secret"
    assert keyring.encryption_or_create(tmp_path / "keys", OP).key_id == second.key_id


def test_an_encryption_key_that_others_may_read_or_that_is_damaged_is_refused(tmp_path: Path) -> None:
    keyring.add_encryption(tmp_path, OP)
    path = keyring.encryption_path_of(tmp_path, OP)
    assert path.stat().st_mode & 0o777 == 0o600
    whole = path.read_bytes()
    for damaged in (b"", b"[]", whole[:200], whole.replace(b"mlkem768-x25519", b"rot13")):
        path.write_bytes(damaged)
        with pytest.raises(KeyringError, match="cannot be read"):
            keyring.load_encryption(tmp_path, OP)
    path.write_bytes(whole)
    path.chmod(0o640)
    with pytest.raises(KeyringError, match="Others may read"):
        keyring.load_encryption(tmp_path, OP)

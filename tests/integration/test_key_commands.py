"""What the operators of hub and key service type before anything is sealed, and each month after."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from contracts.keys import KeyUse
from contracts.names import HUB
from contracts.trust_list import Directory
from hub.entrypoints import commands as hub_commands
from hub.entrypoints.cli.list_files import newest
from hub.entrypoints.keys import commands as key_commands
from hub.infrastructure.key_encryption import KekFile, KekSet, KeyEncryptionError
from hub.infrastructure.key_encryption_choice import key_encryption

START = datetime(2026, 2, 1, tzinfo=UTC)


class Operators:
    """The hub's and the key service's, each with a folder of their own."""

    def __init__(self, folder: Path, database: str) -> None:
        self.hub_home, self.keys_home = folder / "hub", folder / "keys"
        self.environment = {
            "SPOJKA_HUB_HOME": str(self.hub_home),
            "SPOJKA_KEYS_HOME": str(self.keys_home),
            "SPOJKA_KEYS_DATABASE": database,
            "SPOJKA_KEYS_LOG": "host=elsewhere dbname=spojka",
        }
        self.hub("init", "--programme", "decin", "--partitions", "4", "--at", "2026-02-01T00:00:00")
        self.keys_home.mkdir()
        shutil.copy(self.hub_home / "trust-list-1.dsse.json", self.keys_home)

    def hub(self, *words: str, code: int = 0) -> Result:
        return self._run(hub_commands.app, words, code)

    def keys(self, *words: str, code: int = 0) -> Result:
        return self._run(key_commands.app, words, code)

    def admitted(self) -> Directory:
        """After the public halves went to the hub's operator."""
        public = str(self.keys_home / key_commands.PUBLIC)
        self.hub("trust-list", "add-key-service", public, "--at", "2026-02-01T00:00:00")
        return newest(self.hub_home)

    def _run(self, command: object, words: tuple[str, ...], code: int) -> Result:
        done = CliRunner().invoke(command, list(words), env=self.environment)  # type: ignore[arg-type] # a Typer
        assert done.exit_code == code, (done.output, done.exception)
        return done


@pytest.fixture
def operators(tmp_path: Path, quick_database: str) -> Operators:
    return Operators(tmp_path, quick_database)


def test_after_the_set_up_units_seal_to_a_key_that_changes_every_thirty_days(operators: Operators) -> None:
    operators.keys("init", "--deposit-keys", "2", "--at", "2026-02-01T00:00:00")
    directory = operators.admitted()
    entries = sorted((entry for entry, _ in directory.sealing_keys(HUB)), key=lambda one: one.valid_from)
    first, second = entries
    assert second.valid_from - first.valid_from == timedelta(days=30)
    assert first.valid_until - first.valid_from == timedelta(days=60)
    to = [directory.sealing_key(HUB, first.valid_from + timedelta(days=days)) for days in (1, 29, 31, 89)]
    assert [None if key is None else key.key_id for key in to] == [first.key_id] * 2 + [second.key_id] * 2
    uses = [entry.use for entry in directory.listed.hub_keys]
    assert uses.count(KeyUse.RELEASES) == 1
    assert uses.count(KeyUse.MESSAGES) == 2
    operators.keys("rotate-deposit-key", "--count", "3", "--at", "2026-02-02T00:00:00")
    later = operators.admitted()
    days = sorted(entry.valid_from for entry, _ in later.sealing_keys(HUB))
    assert [after - before for before, after in pairwise(days)] == [timedelta(days=30)] * 4
    assert "5 deposit keys, 0 destroyed" in operators.keys("status").output


def test_a_key_encryption_key_is_renewed_and_the_old_one_destroyed_when_nothing_needs_it(operators: Operators) -> None:
    operators.keys("init", "--deposit-keys", "3")
    early = operators.keys("rotate-kek", "--forget", "kek-1", code=1)
    assert getattr(early.exception, "advice", "")
    assert "3 secrets are wrapped under kek-2" in operators.keys("rotate-kek").output
    operators.keys("rotate-kek", "--forget", "kek-1")
    assert list(KekFile(operators.keys_home / "kek.json")().keys) == ["kek-2"]
    assert "3 secrets under kek-2, 0 under others" in " ".join(operators.keys("status").output.split())


def test_a_third_key_encryption_key_is_a_new_one_though_the_first_is_gone(operators: Operators) -> None:
    operators.keys("init", "--deposit-keys", "3")
    operators.keys("rotate-kek")
    operators.keys("rotate-kek", "--forget", "kek-1")
    assert "3 secrets are wrapped under kek-3" in operators.keys("rotate-kek").output


def test_keys_that_are_not_proven_or_of_another_programme_are_not_admitted(operators: Operators) -> None:
    operators.keys("init", "--at", "2026-02-01T00:00:00")
    path = operators.keys_home / key_commands.PUBLIC
    whole = json.loads(path.read_text())
    swapped = dict(
        whole, deposits=[dict(whole["deposits"][0], key=whole["deposits"][0]["key"] | {"proof": "A" * 86 + "=="})]
    )
    for changed in (dict(whole, programme="other"), swapped, dict(whole, signing=[]), {"programme": "decin"}):
        path.write_text(json.dumps(changed))
        done = operators.hub("trust-list", "add-key-service", str(path), code=1)
        assert getattr(done.exception, "advice", "")
    path.write_text(json.dumps(whole))
    operators.admitted()


def test_what_is_kept_is_for_its_owners_eyes_and_bears_no_key_in_clear(operators: Operators) -> None:
    operators.keys("init")
    home = operators.keys_home
    kept = [home / "kek.json", home / "keys" / "messages.key", home / "keys" / "releases.key"]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    again = operators.keys("init", code=1)
    assert getattr(again.exception, "advice", "")
    (home / "kek.json").chmod(0o644)
    assert isinstance(operators.keys("status", code=1).exception, KeyEncryptionError)


def test_one_database_for_both_is_refused_at_start(operators: Operators) -> None:
    operators.keys("init")
    operators.environment["SPOJKA_KEYS_LOG"] = operators.environment["SPOJKA_KEYS_DATABASE"]
    refused = operators.keys("status", code=1)
    assert "own" in str(refused.exception)


class TestKeyEncryption:
    def test_what_is_wrapped_unwraps_for_what_it_is_for_and_for_nothing_else(self) -> None:
        held = KekSet.fresh("one")
        environment = {"KEK": held.text}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KEK", environment["KEK"])
            kek = key_encryption("env:KEK")
        (wrapped,) = kek.wrap([(b"secret", b"this")])
        assert kek.unwrap([(wrapped, b"this")]) == [b"secret"]
        assert b"secret" not in wrapped.sealed
        with pytest.raises(KeyEncryptionError):
            kek.unwrap([(wrapped, b"that")])

    def test_old_and_new_keys_serve_together_and_a_changed_file_is_seen(self, tmp_path: Path) -> None:
        file = KekFile(tmp_path / "kek.json")
        file.create(KekSet.fresh("one"))
        kek = key_encryption(f"file:{tmp_path / 'kek.json'}")
        (old,) = kek.wrap([(b"secret", b"")])
        KekFile(tmp_path / "kek.json").replace(file().rotated("two"))
        (new,) = kek.wrap([(b"secret", b"")])
        assert (old.kek_id, new.kek_id) == ("one", "two")
        assert kek.unwrap([(old, b""), (new, b"")]) == [b"secret"] * 2
        KekFile(tmp_path / "kek.json").replace(file().without("one"))
        with pytest.raises(KeyEncryptionError, match="one"):
            kek.unwrap([(old, b"")])

    @pytest.mark.parametrize("setting", ["", "file:", "env:", "env:NOT_SET", "vault:x", "file:/nowhere/kek.json"])
    def test_a_setting_that_leads_nowhere_says_what_to_do(self, setting: str) -> None:
        with pytest.raises(KeyEncryptionError) as found:
            key_encryption(setting).wrap([(b"", b"")])
        assert found.value.advice

    @pytest.mark.parametrize(
        "text", ["", "{}", '{"current":"a","keys":{}}', '{"current":"a","keys":{"a":"AAAA"}}', "[]"]
    )
    def test_a_damaged_text_is_refused_without_being_shown(self, text: str) -> None:
        with pytest.raises(KeyEncryptionError) as found:
            KekSet.read(text)
        assert found.value.__cause__ is None

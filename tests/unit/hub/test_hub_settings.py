"""What an operator sets: each setting is documented, and what is missing or wrong is said at start, with what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from contracts.dsse import to_envelope
from contracts.keys import KeyUse
from contracts.pae import PayloadType
from hub.entrypoints.house import FIRST_LIST, open_house
from hub.entrypoints.settings import LOG_KEK, HubSettings, SettingsError, described, load_settings
from hub.infrastructure.key_encryption import KekFile, KekSet
from hub.infrastructure.key_files import KeyFileError, KeyFiles
from projections.process.health import Health, HealthEndpoint, PortError
from tests.simulation.programme import Simulation


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A programme's home folder, not on trial."""
    hub = Simulation(trial=False)
    keys = KeyFiles(tmp_path / "keys")
    keys.create(KeyUse.MESSAGES)
    keys.create(KeyUse.DELIVERIES)
    (tmp_path / FIRST_LIST).write_bytes(to_envelope(hub.signed_list, PayloadType.TRUST_LIST))
    monkeypatch.setenv("SPOJKA_HUB_HOME", str(tmp_path))
    monkeypatch.setenv("SPOJKA_HUB_DATABASE", "dbname=spojka")
    return tmp_path


def test_every_setting_is_documented_with_its_default() -> None:
    text = described()
    for name, field in HubSettings.model_fields.items():
        assert f"SPOJKA_HUB_{name.upper()}  (default: {field.default!r})\n    {field.description}" in text
        assert field.description


def test_the_environment_wins_over_the_file_and_a_setting_that_is_none_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "hub.toml").write_text('shard = 0\nport = 1234\nbootstrap = "kafka:9092"\n')
    monkeypatch.setenv("SPOJKA_HUB_PORT", "0")
    found = load_settings()
    assert (found.port, found.bootstrap) == (0, "kafka:9092")
    (home / "hub.toml").write_text("colour = 1\n")
    with pytest.raises(SettingsError, match=r"colour.*hub\.toml"):
        load_settings()


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("DATABASE", "", "SPOJKA_HUB_DATABASE"),
        ("SHARD", "1", "SPOJKA_HUB_SHARD to a number below 1"),
        ("CLOCK", "file:story", "SPOJKA_HUB_CLOCK=system"),
        ("HOME", "elsewhere", "spojka-hub init"),
    ],
)
def test_what_cannot_work_is_said_at_start_with_what_to_set(
    home: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, told: str
) -> None:
    assert open_house(load_settings()).settings.home == home
    monkeypatch.setenv(f"SPOJKA_HUB_{setting}", value)
    if setting == "HOME":
        (home / FIRST_LIST).unlink()
        monkeypatch.setenv("SPOJKA_HUB_HOME", str(home))
    with pytest.raises(SettingsError, match=told):
        open_house(load_settings())


def test_a_missing_key_is_an_error_with_advice(home: Path) -> None:
    next((home / "keys").glob("messages*")).unlink()
    with pytest.raises(KeyFileError) as told:
        open_house(load_settings())
    assert told.value.advice


def test_a_port_that_another_process_has_is_told_in_words() -> None:
    def health() -> Health:
        return Health("pass")

    with (
        HealthEndpoint(health, port=0) as first,
        pytest.raises(PortError, match="set another one, or 0"),
        HealthEndpoint(health, port=first.port),
    ):
        raise AssertionError("two listen on one port")


def test_the_command_ends_with_problem_and_advice_not_with_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hub.entrypoints", "run", "--home", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Set SPOJKA_HUB_DATABASE" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"AUDIT_HOST": "0.0.0.0"}, "in clear"),  # noqa: S104 - refused
        ({"AUDIT_HOST": "hub.example"}, "in clear"),
        ({"AUDIT_CERTIFICATE": "page.pem"}, "belong together"),
    ],
)
def test_the_auditors_page_speaks_to_no_other_machine_without_tls(
    home: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], told: str
) -> None:
    assert home.is_dir()
    for name, value in settings.items():
        monkeypatch.setenv(f"SPOJKA_HUB_{name}", value)
    with pytest.raises(SettingsError, match=told):
        load_settings()


def test_a_hub_without_the_key_of_its_log_does_not_start_and_says_where_to_get_it(home: Path) -> None:
    house = open_house(load_settings())
    with pytest.raises(SettingsError, match=r"No key-encryption keys.*Restore keys/log-kek\.json.*spojka-hub migrate"):
        house.mapper()
    KekFile(home / LOG_KEK).create(KekSet.fresh("log-kek-1"))
    assert house.mapper().keys is not None
    (home / LOG_KEK).chmod(0o644)
    with pytest.raises(SettingsError, match="can be read by others"):
        house.mapper()

"""A volunteer who installs an adapter is told everything that is wrong with its settings at once, in words."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.settings import SettingsError, address_of, load_settings, settings_table
from contracts.names import ProgrammeId, UnitId
from tests.simulated_hub import SimulatedHub


def home(folder: Path, text: str = 'programme = "decin"\nbootstrap = "localhost:9092"\n') -> Path:
    (folder / "adapter.toml").write_text(text)
    (folder / "units" / "op").mkdir(parents=True)
    (folder / "units" / "md").mkdir()
    return folder


def test_a_short_file_is_enough(tmp_path: Path) -> None:
    settings = load_settings(home(tmp_path))
    assert settings.unit_names == (UnitId("md"), UnitId("op"))
    assert settings.lease == timedelta(days=7)
    assert settings.connection("op").address() == "localhost:9092"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOJKA_ADAPTER_LEASE_DAYS", "3")
    monkeypatch.setenv("SPOJKA_ADAPTER_UNITS", '["md"]')
    settings = load_settings(home(tmp_path))
    assert (settings.lease_days, settings.units) == (3, (UnitId("md"),))


def test_every_fault_is_named_with_what_belongs_there_and_no_password(tmp_path: Path) -> None:
    text = 'programme = "Děčín"\nbootstrap = "localhost"\nlease_days = 0\nsasl_password = "hush"\ntypo = 1\n'
    with pytest.raises(SettingsError) as caught:
        load_settings(home(tmp_path, text))
    for name in ("programme", "bootstrap", "lease_days", "typo", "SPOJKA_ADAPTER_LEASE_DAYS", "host:port"):
        assert name in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_file_that_is_no_toml_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"adapter\.toml"):
        load_settings(home(tmp_path, "programme = "))


def test_the_address_is_read_from_the_run_state_file_at_each_connection(tmp_path: Path) -> None:
    state = tmp_path / "broker.json"
    address = address_of("file:broker.json", tmp_path)
    for port in (1, 2):
        state.write_text(json.dumps({"bootstrap": f"127.0.0.1:{port}"}))
        assert address() == f"127.0.0.1:{port}"
    state.write_text("127.0.0.1:3\n")
    assert address() == "127.0.0.1:3"


def test_the_first_list_of_another_programme_is_not_taken(tmp_path: Path) -> None:
    settings = load_settings(home(tmp_path))
    with pytest.raises(SettingsError, match="does not read"):
        settings.read_first_list()
    hub = SimulatedHub()
    (tmp_path / "trust-list-1.dsse.json").write_bytes(hub.envelopes[0])
    assert settings.read_first_list()[1] == hub.roots
    other = settings.model_copy(update={"programme": ProgrammeId("warszawa")})
    with pytest.raises(SettingsError, match="of programme decin"):
        other.read_first_list()


def test_every_setting_is_documented() -> None:
    assert all(meaning for _, _, meaning in settings_table())

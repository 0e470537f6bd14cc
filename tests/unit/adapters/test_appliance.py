"""A volunteer sets an adapter up, asks what is wrong, keeps a copy and puts it back, without an administrator."""

from __future__ import annotations

import json
import sqlite3
import string
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from adapters import commands, keyring
from adapters.appliance.archive import BackupError, Manifest, back_up, opened
from adapters.appliance.finding import FOUND, Check, Finding, worst
from adapters.appliance.first_setup import Answers, SetUpError, set_up
from adapters.appliance.restoring import begin_without_backup, restore
from adapters.drafts import ClientKey
from adapters.key_lock import secret_place
from adapters.process.sole_runner import AlreadyRunningError, sole_runner
from adapters.process.unit_databases import UnitDatabases
from adapters.process.unit_house import DATABASE, KEYS, UnitHouse
from adapters.settings import SettingsError, load_settings, unit_folder
from adapters.storage.encrypting import decrypt
from adapters.storage.schema import VERSION, version_of
from adapters.storage.unit_store import UnitStore
from adapters.words import LANGUAGES, Words, texts
from contracts.admission import read_request
from contracts.names import UnitId
from deploy.servers.ports import free_port
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.words import Language
    from deploy.servers.embedded_broker import EmbeddedBroker

OP = UnitId("op")
CASE = ClientKey("case-1")
LATER = datetime(2026, 11, 2, 8, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An adapter's home with one unit that has a client."""
    folder = tmp_path / "adapter"
    keys = {OP: keyring.create(unit_folder(folder, OP) / KEYS, OP)}
    (folder / "trust-list-1.dsse.json").write_bytes(SimulatedHub(unit_keys=keys).envelopes[0])
    (folder / "story").write_text(NOON.isoformat())
    address = f"localhost:{free_port()}"
    (folder / "adapter.toml").write_text(f'programme = "{PROGRAMME}"\nbootstrap = "{address}"\nclock = "file:story"\n')
    run(folder, "client", "enrol", CASE, "--given-name", "Karel")
    return folder


def run(home: Path, *words: str, code: int = 0, typed: str | None = None) -> str:
    result = CliRunner().invoke(commands.app, [*words, "--home", str(home)], input=typed)
    assert result.exit_code == code, (result.output, result.exception)
    return str(result.output)


def answers(tmp_path: Path, **changes: object) -> Answers:
    listed = tmp_path / "list.json"
    listed.write_bytes(SimulatedHub().envelopes[0])
    given: dict[str, object] = {
        "programme": PROGRAMME,
        "bootstrap": "localhost:9092",
        "first_list": listed,
        "unit": "advice",
        "name": "Poradna",
        "institution": "ngo",
        "institution_name": "Člověk a práce, z. s.",
        "language": "cs",
    }
    return Answers(**(given | changes))  # type: ignore[arg-type] # as the cases change them


class TestSettingUp:
    def test_answers_make_everything_and_a_request_without_a_secret(self, tmp_path: Path) -> None:
        made = set_up(tmp_path / "home", answers(tmp_path))
        request = read_request(made.request.read_bytes())
        assert (request.unit, request.institution_name) == ("advice", "Člověk a práce, z. s.")
        assert "PRIVATE" not in made.request.read_text()
        assert load_settings(tmp_path / "home").language == "cs"
        assert (tmp_path / "home" / "adapter.toml").stat().st_mode & 0o077 == 0

    def test_questions_are_asked_for_what_was_not_given(self, tmp_path: Path) -> None:
        listed = answers(tmp_path).first_list
        typed = f"{PROGRAMME}\nlocalhost:1\n{listed}\nadvice\nAdvice office\nngo\nAn NGO\n\n"
        told = run(tmp_path / "home", "init", typed=typed)
        assert "request.json" in told
        assert "Nobody answers at localhost:1" in told

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"programme": "praha"}, "is of programme"),
            ({"unit": "Poradna Děčín"}, "unit"),
            ({"name": ""}, "name"),
        ],
    )
    def test_answers_that_do_not_fit_write_nothing(self, tmp_path: Path, change: dict[str, str], said: str) -> None:
        with pytest.raises(SetUpError, match=said):
            set_up(tmp_path / "home", answers(tmp_path, **change))
        assert not (tmp_path / "home").exists()

    def test_a_further_unit_is_locked_by_the_same_file_as_the_first(self, tmp_path: Path) -> None:
        made = set_up(tmp_path / "home", answers(tmp_path, secret=tmp_path / "stick"))
        named = ("--institution", "ngo", "--institution-name", "An NGO", "--name", "Night shelter")
        run(tmp_path / "home", "enrol", "shelter", *named)
        places = [secret_place(unit_folder(tmp_path / "home", UnitId(unit)) / KEYS) for unit in ("advice", "shelter")]
        assert places == [made.secret, made.secret] == [tmp_path / "stick"] * 2
        assert [path.name for path in tmp_path.glob("*.unlock")] == []

    def test_a_set_up_is_never_overwritten(self, tmp_path: Path) -> None:
        set_up(tmp_path / "home", answers(tmp_path))
        before = (tmp_path / "home" / "adapter.toml").read_text()
        with pytest.raises(SetUpError, match="there already"):
            set_up(tmp_path / "home", answers(tmp_path, bootstrap="elsewhere:1"))
        assert (tmp_path / "home" / "adapter.toml").read_text() == before

    def test_the_service_starts_this_adapter_again_whatever_happens(self, home: Path) -> None:
        text = run(home, "service")
        assert f"run --home {home}" in text
        assert "Restart=always" in text


class TestDoctor:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_whatever_is_found_has_words_in_every_language(self, language: Language) -> None:
        words = Words(language)
        for check, statuses in FOUND.items():
            for status in statuses:
                text = words[Finding(check, status).text]
                fields = {name for _, name, _, _ in string.Formatter().parse(text) if name}
                english = {n for _, n, _, _ in string.Formatter().parse(texts("en")[f"doctor.{check}.{status}"]) if n}
                assert fields == english, (check, status)

    def test_a_line_that_is_down_is_named_with_what_to_do(self, home: Path) -> None:
        found = json.loads(run(home, "doctor", "--json", code=1))
        assert found["status"] == "fail"
        assert [one["check"] for one in found["line"]] == ["address", "port"]
        assert "firewall" in found["line"][1]["text"]

    def test_a_name_that_nobody_knows_is_told_before_anything_else(self, home: Path) -> None:
        (home / "adapter.toml").write_text(f'programme = "{PROGRAMME}"\nbootstrap = "hub.invalid:9092"\n')
        found = json.loads(run(home, "doctor", "--json", code=1))
        assert [(one["check"], one["status"]) for one in found["line"]] == [("address", "fail")]

    def test_a_line_that_works_is_tried_to_its_end(self, home: Path, embedded_broker: EmbeddedBroker) -> None:
        (home / "adapter.toml").write_text(
            f'programme = "{PROGRAMME}"\nbootstrap = "{embedded_broker.bootstrap}"\nclock = "file:story"\n'
        )
        found = json.loads(run(home, "doctor", "--json", code=1))
        told = {one["check"]: one["status"] for one in found["line"]}
        assert (told["address"], told["port"], told["broker"]) == ("pass", "pass", "pass")
        assert told["topics"] == "fail", "a fresh broker has no topics"

    def test_a_damaged_database_is_told_with_how_to_go_on(self, home: Path) -> None:
        database = unit_folder(home, OP) / DATABASE
        with database.open("r+b") as file:
            file.seek(8192)
            file.write(b"\xff" * 65536)
        told = run(home, "doctor", code=1)
        assert "restore FILE" in told

    def test_a_key_that_others_may_read_is_told(self, home: Path) -> None:
        keyring.path_of(unit_folder(home, OP) / KEYS, OP).chmod(0o644)
        found = json.loads(run(home, "doctor", "--json", code=1))
        assert [one["status"] for one in found["units"][OP] if one["check"] == "key"] == ["fail"]

    @pytest.mark.parametrize(
        ("lang", "said"),
        [
            ("en", ("databases are encrypted", "lie unlocked", "kept opened here: 0", "Nobody else on this computer")),
            ("cs", ("jsou zašifrované", "nezamčené", "uchovávají otevřené: 0", "Nikdo jiný na tomto počítači")),
            ("pl", ("są zaszyfrowane", "niezamknięte", "przechowywane otwarte: 0", "Nikt inny na tym komputerze")),
        ],
    )
    def test_how_the_data_lies_is_told_in_plain_words(self, home: Path, lang: str, said: Sequence[str]) -> None:
        told = " ".join(run(home, "doctor", "--lang", lang, code=1).split())
        assert [text for text in said if text not in told] == []

    def test_what_a_thief_or_others_could_read_is_told_and_then_mended(self, home: Path) -> None:
        def states() -> dict[str, str]:
            found = json.loads(run(home, "doctor", "--json", code=1))["units"][OP]
            return {one["check"]: one["status"] for one in found if one["check"] in {"at-rest", "locked", "private"}}

        folder = unit_folder(home, OP)
        assert states() == {"locked": "warn", "private": "pass", "at-rest": "pass"}
        decrypt(folder / DATABASE, keyring.database_key_or_new(folder / KEYS, OP).of("store"))
        folder.chmod(0o755)
        assert states() == {"locked": "warn", "private": "warn", "at-rest": "warn"}
        assert "print it" in run(home, "lock")
        assert states() == {"locked": "pass", "private": "pass", "at-rest": "pass"}
        keyring.database_path(folder / KEYS, OP).unlink()
        assert states() == {"locked": "pass", "private": "pass", "at-rest": "fail"}

    def test_the_worst_finding_counts(self) -> None:
        assert worst([Finding(Check.KEY, "pass"), Finding(Check.DISK, "warn")]) == "warn"
        assert worst([]) == "pass"


class TestBackup:
    def test_a_backup_brings_back_clients_keys_and_settings_in_an_empty_folder(
        self, home: Path, tmp_path: Path
    ) -> None:
        run(home, "backup", str(tmp_path / "copy.tar"))
        assert (tmp_path / "copy.tar").stat().st_mode & 0o077 == 0
        told = run(tmp_path / "new", "restore", str(tmp_path / "copy.tar"))
        assert "Start the connection" in told
        assert subject_at(tmp_path / "new") == subject_at(home)
        assert "There is no backup" not in run(home, "doctor", code=1)

    def test_a_backup_is_taken_while_somebody_writes(self, home: Path, tmp_path: Path) -> None:
        house = UnitHouse.open(load_settings(home), OP)
        with house.store.write() as tx:
            tx.clients.ensure([ClientKey("case-2")], at=NOON)
            back_up(load_settings(home), tmp_path / "copy.tar", at=NOON)
        house.close()
        with (
            opened(tmp_path / "copy.tar", within=tmp_path) as (_, folder),
            closing(UnitDatabases.as_they_lie(unit_folder(folder, OP), OP).look_into("store")) as copy,
        ):
            assert [row[0] for row in copy.execute("SELECT client_key FROM client")] == [CASE]

    def test_a_restored_unit_holds_what_concerns_clients_until_the_hub_gave_back_its_own(
        self, home: Path, tmp_path: Path
    ) -> None:
        back_up(load_settings(home), tmp_path / "copy.tar", at=NOON)
        done = restore(tmp_path / "copy.tar", home, at=LATER)
        assert done.aside is not None
        assert (done.aside / OP / DATABASE).exists()
        house = UnitHouse.open(load_settings(home), OP)
        with house.store.read() as tx:
            assert list(tx.recovery.open()) == [0]
        house.close()
        assert "waits for its own entries" in run(home, "doctor", code=1)

    @pytest.mark.parametrize("at", [700, 5000, -3000])
    def test_a_backup_with_a_changed_byte_puts_nothing_in_place(self, home: Path, tmp_path: Path, at: int) -> None:
        back_up(load_settings(home), tmp_path / "copy.tar", at=NOON)
        raw = bytearray((tmp_path / "copy.tar").read_bytes())
        at = at if at >= 0 else raw.rindex(b"BEGIN PRIVATE KEY")
        raw[at] ^= 1
        (tmp_path / "copy.tar").write_bytes(raw)
        before = subject_at(home)
        with pytest.raises(BackupError):
            restore(tmp_path / "copy.tar", home, at=LATER)
        assert subject_at(home) == before

    def test_a_backup_cannot_lead_out_of_the_folder(self, tmp_path: Path) -> None:
        import tarfile  # noqa: PLC0415 - used here alone

        with tarfile.open(tmp_path / "evil.tar", "w") as archive:
            header = tarfile.TarInfo("../evil")
            archive.addfile(header)
        with pytest.raises(BackupError):
            restore(tmp_path / "evil.tar", tmp_path / "home", at=LATER)
        assert not (tmp_path / "evil").exists()

    def test_a_manifest_cannot_name_a_place_outside_of_the_folder(self, home: Path) -> None:
        made = back_up(load_settings(home), home.parent / "copy.tar", at=NOON)
        for name in ("../x", "/etc/x", "units/../../x", "a/.."):
            with pytest.raises(ValidationError):
                Manifest.model_validate(made.model_dump() | {"members": {name: "0" * 64}})

    def test_a_restore_cut_off_before_the_last_step_left_no_unit_that_would_repeat_a_number(
        self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        back_up(load_settings(home), tmp_path / "copy.tar", at=NOON)
        renamed = Path.rename

        def cut(path: Path, target: Path) -> Path:
            done = renamed(path, target)
            if target.name == "units":
                raise KeyboardInterrupt
            return done

        monkeypatch.setattr(Path, "rename", cut)
        with pytest.raises(KeyboardInterrupt):
            restore(tmp_path / "copy.tar", home, at=LATER)
        monkeypatch.undo()
        house = UnitHouse.open(load_settings(home), OP)
        with house.store.read() as tx:
            assert list(tx.recovery.open()) == [0]
        house.close()

    def test_a_backup_into_the_adapters_own_folder_is_refused(self, home: Path) -> None:
        with pytest.raises(BackupError, match="own folder"):
            back_up(load_settings(home), home / "copy.tar", at=NOON)

    def test_nothing_is_restored_under_a_running_adapter(self, home: Path, tmp_path: Path) -> None:
        back_up(load_settings(home), tmp_path / "copy.tar", at=NOON)
        with sole_runner(home), pytest.raises(AlreadyRunningError):
            restore(tmp_path / "copy.tar", home, at=LATER)
        assert subject_at(home)

    def test_without_a_backup_the_old_key_is_enough_to_begin_again(self, home: Path) -> None:
        settings = load_settings(home)
        with pytest.raises(BackupError, match="has a database"):
            begin_without_backup(settings, OP, at=LATER)
        for path in unit_folder(home, OP).glob("unit.db*"):
            path.unlink()
        begin_without_backup(settings, OP, at=LATER)
        house = UnitHouse.open(settings, OP)
        with house.store.read() as tx:
            assert list(tx.recovery.open()) == [0]
        house.close()


def test_an_upgrade_keeps_the_database_of_before(tmp_path: Path) -> None:
    database = tmp_path / DATABASE
    UnitStore.open(database).close()
    with closing(sqlite3.connect(database)) as old:
        old.execute("DROP TABLE recovery")
        old.execute("UPDATE schema_version SET version = 1")
        old.execute("INSERT INTO client VALUES ('case-1', 'r1.x', '2026-02-02')")
        old.commit()
    with closing(UnitStore.open(database)) as store, store.read() as tx:
        assert version_of(tx.connection) == VERSION
        assert tx.recovery.open() == {}
    with closing(sqlite3.connect(tmp_path / f"{DATABASE}.version-1")) as kept:
        assert kept.execute("SELECT version FROM schema_version").fetchone() == (1,)
        assert kept.execute("SELECT count(*) FROM client").fetchone() == (1,)


def subject_at(home: Path) -> str:
    house = UnitHouse.open(load_settings(home), OP)
    with house.store.read() as tx:
        subject = tx.clients.subject_of(CASE)
    house.close()
    assert subject is not None
    return subject


def test_what_the_operator_handed_over_is_put_in_place_for_its_owners_eyes(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "broker-sign-in").write_text("adapter-poradna.1:hush-hush\n")
    (given / "ca.pem").write_text("certificates")
    home = tmp_path / "home"
    set_up(home, answers(tmp_path, hand_over=given))
    assert (home / "broker-sign-in").stat().st_mode & 0o777 == 0o600
    settings = load_settings(home)
    assert settings.security_protocol == "SASL_SSL"
    connection = settings.connection("test")
    assert connection.sign_in is not None
    assert connection.sign_in().user == "adapter-poradna.1"
    assert "hush-hush" not in f"{settings!r} {connection!r} {connection.sign_in()!r}"
    settings.check_secrets()
    (home / "broker-sign-in").chmod(0o640)
    with pytest.raises(SettingsError, match="can be read by others"):
        settings.check_secrets()


def test_a_hand_over_that_is_not_whole_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SetUpError, match="does not hold broker-sign-in"):
        set_up(tmp_path / "home", answers(tmp_path, hand_over=tmp_path))
    assert not (tmp_path / "home").exists()

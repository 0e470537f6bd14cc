"""The unit's database on SQLite, encrypted, and on PostgreSQL."""

from contextlib import closing
from pathlib import Path

import pytest

from adapters.storage.unit_store import UnitStore
from projections.encrypted_file import KEY_BYTES, DatabaseKey
from tests.integration.unit_store_contract import UnitStoreContract


class TestOnSqlite(UnitStoreContract):
    key = DatabaseKey(b"k" * KEY_BYTES)

    @pytest.fixture
    def where(self, tmp_path: Path) -> str:
        return str(tmp_path / "unit.db")


def test_an_import_beside_which_people_read_does_not_let_the_log_of_changes_grow_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.storage.unit_store._LONGEST_LOG", 50_000)
    log = tmp_path / "unit.db-wal"
    with (
        closing(UnitStore.open(tmp_path / "unit.db")) as importing,
        closing(UnitStore.open(tmp_path / "unit.db")) as desk,
    ):
        with desk.read() as tx:
            tx.connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
            _fill(importing)
            assert log.stat().st_size > 50_000
        _fill(importing)
        assert log.stat().st_size == 0


def _fill(store: UnitStore) -> None:
    with store.write(bulk=True) as tx:
        tx.connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS padding (text TEXT)")
        tx.connection.exec_driver_sql("INSERT INTO padding VALUES (?)", ("x" * 100_000,))


class TestOnPostgres(UnitStoreContract):
    @pytest.fixture
    def where(self, quick_database: str) -> str:
        return quick_database

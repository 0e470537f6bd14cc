"""The unit's database on SQLite, encrypted, and on PostgreSQL."""

from pathlib import Path

import pytest

from projections.encrypted_file import KEY_BYTES, DatabaseKey
from tests.integration.unit_store_contract import UnitStoreContract


class TestOnSqlite(UnitStoreContract):
    key = DatabaseKey(b"k" * KEY_BYTES)

    @pytest.fixture
    def where(self, tmp_path: Path) -> str:
        return str(tmp_path / "unit.db")


class TestOnPostgres(UnitStoreContract):
    @pytest.fixture
    def where(self, quick_database: str) -> str:
        return quick_database

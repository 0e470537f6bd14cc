"""The unit's database on SQLite and on PostgreSQL."""

from pathlib import Path

import pytest

from tests.integration.unit_store_contract import UnitStoreContract


class TestOnSqlite(UnitStoreContract):
    @pytest.fixture
    def where(self, tmp_path: Path) -> str:
        return str(tmp_path / "unit.db")


class TestOnPostgres(UnitStoreContract):
    @pytest.fixture
    def where(self, quick_database: str) -> str:
        return quick_database

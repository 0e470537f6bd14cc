"""What the API and the webhooks store, on SQLite and on PostgreSQL."""

from pathlib import Path

import pytest

from tests.integration.api.store_contract import ApiStoreContract


class TestOnSqlite(ApiStoreContract):
    @pytest.fixture
    def where(self, tmp_path: Path) -> str:
        return str(tmp_path / "unit.db")


class TestOnPostgres(ApiStoreContract):
    @pytest.fixture
    def where(self, quick_database: str) -> str:
        return quick_database

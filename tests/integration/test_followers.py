"""Followers of a unit's journal on SQLite and on PostgreSQL."""

from pathlib import Path

import pytest

from tests.integration.follower_contract import FollowerContract


class TestOnSqlite(FollowerContract):
    @pytest.fixture
    def where(self, tmp_path: Path) -> str:
        return str(tmp_path / "unit.db")


class TestOnPostgres(FollowerContract):
    @pytest.fixture
    def where(self, quick_database: str) -> str:
        return quick_database

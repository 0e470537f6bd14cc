"""Rows of many keys are searched by an index, whatever else is asked of them."""

from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, select

from adapters.storage.many_rows import one_of_keys
from adapters.storage.tables import JOURNAL
from adapters.storage.unit_store import UnitStore


@pytest.mark.parametrize(
    ("name", "beside"),
    [("message_id", JOURNAL.c.kind == "own"), ("sealed_under", JOURNAL.c.opened.is_(None))],
)
def test_a_search_by_keys_beside_another_condition_does_not_read_a_whole_journal(
    tmp_path: Path, name: str, beside: ColumnElement[bool]
) -> None:
    store = UnitStore.open(tmp_path / "unit.db")
    wanted = select(JOURNAL.c.number).where(one_of_keys(JOURNAL.c[name]) & beside)
    with store.read() as tx:
        made = wanted.compile(tx.connection)
        given = ("[]", "own")[: len(made.params)]
        steps = [step.detail for step in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {made}", given)]
    store.close()
    assert any(step.startswith("SEARCH journal USING INDEX") and f"{name}=?" in step for step in steps)

"""Rows of many keys are searched by an index, whatever else is asked of them."""

from pathlib import Path

from sqlalchemy import select

from adapters.storage.many_rows import one_of_keys
from adapters.storage.tables import JOURNAL
from adapters.storage.unit_store import UnitStore


def test_a_search_by_keys_beside_another_condition_does_not_read_a_whole_journal(tmp_path: Path) -> None:
    store = UnitStore.open(tmp_path / "unit.db")
    wanted = select(JOURNAL.c.number).where(one_of_keys(JOURNAL.c.message_id) & (JOURNAL.c.kind == "own"))
    with store.read() as tx:
        asked = f"EXPLAIN QUERY PLAN {wanted.compile(tx.connection)}"
        steps = [step.detail for step in tx.connection.exec_driver_sql(asked, ("[]", "own"))]
    store.close()
    assert any(step.startswith("SEARCH journal USING INDEX") and "message_id=?" in step for step in steps)

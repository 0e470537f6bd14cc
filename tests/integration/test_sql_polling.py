"""A local system's database, polled: what is committed comes once, late or not, and nothing in it can be changed from here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import mssql, mysql
from sqlalchemy.engine import Dialect

from adapters.connectors.mapping_file import MappingError, parse_mapping
from adapters.connectors.sql_access import DatabaseError, SqlAccess
from adapters.connectors.sql_poll import poll
from adapters.connectors.sql_statements import PAGE, Reading, names_of
from adapters.connectors.sql_tables import DatabaseTable
from adapters.process.unit_health import state_of
from tests.local_database import MAPPING, SERVICES, ReadingUnit, Vendor, plan, vendor_on_sqlite
from tests.simulated_hub import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = timedelta(hours=1)


@pytest.fixture
def unit(tmp_path: Path) -> ReadingUnit:
    (tmp_path / "home").mkdir()
    return ReadingUnit.make(tmp_path / "home")


def take(unit: ReadingUnit, vendor: Vendor, at: datetime = NOON) -> dict[str, list[str]]:
    """One poll, and what the unit has then."""
    unit.set(at)
    with unit.house() as house:
        poll(house, plan(vendor))
    return unit.recorded()


class SqlPollingContract:
    """Subclasses give `vendor`."""

    def test_new_rows_come_once_and_changed_ones_as_corrections(self, vendor: Vendor, unit: ReadingUnit) -> None:
        vendor.put(1, 1, changed=NOON - HOUR)
        assert take(unit, vendor) == {"1": ["1"]}
        vendor.put(2, 2, changed=NOON)
        vendor.put(1, 1.5, changed=NOON)
        assert take(unit, vendor) == {"1": ["1", "1.5"], "2": ["2"]}
        assert take(unit, vendor) == {"1": ["1", "1.5"], "2": ["2"]}

    def test_a_row_committed_late_with_an_older_stamp_still_comes(self, vendor: Vendor, unit: ReadingUnit) -> None:
        vendor.put(1, 1, changed=NOON)
        take(unit, vendor)
        vendor.put(2, 2, changed=NOON - HOUR / 2)  # its transaction began before the poll and ended after it
        assert take(unit, vendor, NOON + HOUR / 6) == {"1": ["1"], "2": ["2"]}

    def test_a_row_later_than_any_overlap_comes_with_the_next_whole_reading(
        self, vendor: Vendor, unit: ReadingUnit
    ) -> None:
        vendor.put(1, 1, changed=NOON)
        take(unit, vendor)
        vendor.put(2, 2, changed=NOON - 9 * HOUR)
        assert take(unit, vendor, NOON + HOUR) == {"1": ["1"]}
        assert take(unit, vendor, NOON + 24 * HOUR) == {"1": ["1"], "2": ["2"]}

    def test_a_state_with_an_older_stamp_than_the_one_before_is_still_the_newest(
        self, vendor: Vendor, unit: ReadingUnit
    ) -> None:
        vendor.put(1, 1, changed=NOON)
        take(unit, vendor)
        vendor.put(1, 3, changed=NOON - HOUR / 2)  # a transaction that waited for the other's lock
        assert take(unit, vendor) == {"1": ["1", "3"]}

    def test_a_row_without_a_stamp_comes_and_so_does_one_dated_in_2062(self, vendor: Vendor, unit: ReadingUnit) -> None:
        vendor.put(1, 1, changed=None)
        vendor.put(2, 2, changed=datetime(2062, 1, 1, tzinfo=UTC))
        assert take(unit, vendor) == {"1": ["1"], "2": ["2"]}
        vendor.put(1, 5, changed=None)
        vendor.put(3, 3, changed=NOON)
        assert take(unit, vendor, NOON + HOUR) == {"1": ["1", "5"], "2": ["2"], "3": ["3"]}
        vendor.put(4, 4, changed=NOON + 2 * HOUR)
        assert "4" in take(unit, vendor, NOON + 3 * HOUR)

    def test_many_rows_are_read_page_by_page_and_later_only_what_changed(
        self, vendor: Vendor, unit: ReadingUnit
    ) -> None:
        vendor.put_many(range(PAGE * 2 + 5))
        with unit.house() as house:
            poll(house, plan(vendor))
            with house.store.read() as tx:
                assert tx.polls.find("op/vendor.yaml").rows == PAGE * 2 + 5
            vendor.put(7, 99, changed=NOON, client="2026/7")
            again = poll(house, plan(vendor))
            with house.store.read() as tx:
                assert tx.polls.find("op/vendor.yaml").rows < PAGE * 2
        assert sum(again.states.values()) == 1

    def test_a_row_that_cannot_be_understood_is_kept_with_its_key_once_and_comes_when_mended(
        self, vendor: Vendor, unit: ReadingUnit
    ) -> None:
        vendor.put(1, 1)
        vendor.put(2, 2, client=None)
        for _ in range(3):
            take(unit, vendor)
        with unit.house() as house, house.store.read() as tx:
            (item,) = tx.quarantine.open_items()
            assert item.refused.local_key == "vendor/services/row 2/client"
        vendor.put(2, 2)
        assert take(unit, vendor) == {"1": ["1"], "2": ["2"]}

    def test_a_mended_mapping_reads_everything_again(self, vendor: Vendor, unit: ReadingUnit) -> None:
        vendor.put(1, 1, changed=NOON - 9 * HOUR)
        vendor.put(2, 2)
        wrong = parse_mapping(MAPPING.replace("client: client", "client: officer_id"), "vendor.yaml")
        with unit.house() as house:
            poll(house, plan(vendor, mapping=lambda: wrong))
        assert unit.recorded() == {}
        assert take(unit, vendor) == {"1": ["1"], "2": ["2"]}

    def test_the_database_cannot_be_written_through_our_connection(self, vendor: Vendor) -> None:
        vendor.put(1, 1)
        access = SqlAccess.open(vendor.reader, writable_account=True)
        with pytest.raises(DatabaseError), access.reading() as connection:
            connection.execute(SERVICES.delete())
        with vendor.engine.begin() as connection:
            assert connection.scalar(text("SELECT count(*) FROM services")) == 1

    def test_a_query_may_stand_for_a_table(self, vendor: Vendor, unit: ReadingUnit) -> None:
        vendor.put(1, 1)
        vendor.put(2, 2, client="somebody else's")
        query = "query: SELECT id AS Id, client, day, hours, changed_at FROM services WHERE client LIKE '2026%'"
        read = parse_mapping(MAPPING.replace("table: services", query), "vendor.yaml")
        with unit.house() as house:
            poll(house, plan(vendor, mapping=lambda: read))
        assert unit.recorded() == {"1": ["1"]}

    def test_a_database_that_is_away_is_told_without_a_password_or_a_row(
        self, vendor: Vendor, unit: ReadingUnit
    ) -> None:
        vendor.put(1, 1)
        with vendor.engine.begin() as connection:
            connection.execute(text("ALTER TABLE services RENAME TO elsewhere"))
        with unit.house() as house, pytest.raises(DatabaseError, match="does not answer as it should") as raised:
            poll(house, plan(vendor))
        assert "2026/17" not in str(raised.value)
        with unit.house() as house:
            with house.store.write() as tx:
                tx.polls.failed("op/vendor.yaml", str(raised.value), at=NOON)
            assert state_of(house).health().status == "warn"


class TestOnSqlite(SqlPollingContract):
    """The vendor's database is a SQLite file."""

    @pytest.fixture
    def vendor(self, tmp_path: Path) -> Iterator[Vendor]:
        made = vendor_on_sqlite(tmp_path / "vendor.db")
        yield made
        made.engine.dispose()


class TestOnPostgres(SqlPollingContract):
    """The vendor's database is PostgreSQL."""

    @pytest.fixture
    def vendor(self, quick_database: str) -> Iterator[Vendor]:
        made = vendor_on_postgres(quick_database)
        yield made
        made.engine.dispose()

    def test_an_account_that_may_write_is_refused_until_somebody_accepts_it(
        self, vendor: Vendor, quick_database: str
    ) -> None:
        with pytest.raises(DatabaseError, match="GRANT SELECT"):
            SqlAccess.open(quick_database)
        assert SqlAccess.open(quick_database, writable_account=True).may_write()
        assert not SqlAccess.open(vendor.reader).may_write()
        with vendor.engine.begin() as connection:
            connection.execute(text("GRANT UPDATE ON services TO spojka_reader"))
        with pytest.raises(DatabaseError, match="may write"):
            SqlAccess.open(vendor.reader)


def vendor_on_postgres(url: str) -> Vendor:
    """With an account that may only read, as the documentation makes one."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_pre_ping=True)
    SERVICES.metadata.create_all(engine)
    with engine.begin() as connection:
        if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = 'spojka_reader'")):
            connection.execute(text("CREATE ROLE spojka_reader LOGIN"))
        connection.execute(text("GRANT SELECT ON services TO spojka_reader"))
    reader = engine.url.set(drivername="postgresql", username="spojka_reader", password=None)
    return Vendor(engine, reader.render_as_string(hide_password=False))


@pytest.mark.parametrize("dialect", [mysql.dialect, mssql.dialect], ids=["MariaDB", "SQL Server"])
def test_the_statements_compile_for_servers_that_are_not_here(dialect: type[Dialect]) -> None:
    of = DatabaseTable(table="dbo.services", cursor="changed_at")
    reading = Reading(of, ["id", "client", "changed_at"], ["id", "client"], "changed_at", NOON, NOON)
    statements = (
        reading.page(None),
        reading.page([NOON, 7, "x"]),
        reading.without_cursor([7, "x"]),
        reading.without_key(),
        reading.count(),
        reading.highest(NOON),
        names_of(of),
        Reading(DatabaseTable(query="SELECT id FROM a JOIN b ON a.x = b.x"), ["id"], ["id"], None).page([7]),
    )
    for statement in statements:
        compiled = str(statement.compile(dialect=dialect()))
        assert "SELECT" in compiled
        assert "services" in compiled or "asked" in compiled


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("    client: client\n", "`updated` is of files"),
        ("      - name: service\n", "first row cannot be known"),
        ("      table: services\n", "not one SELECT"),
    ],
)
def test_a_mapping_that_a_poll_could_not_follow_is_told_before_anything_is_read(written: str, told: str) -> None:
    instead = {
        "    client: client\n": "    client: client\n    updated: changed_at\n",
        "      - name: service\n": "      - name: service\n        first_per_client: 'true'\n",
        "      table: services\n": "      query: DELETE FROM services\n",
    }[written]
    with pytest.raises(MappingError, match=told):
        parse_mapping(MAPPING.replace(written, instead), "vendor.yaml")


def test_a_driver_that_is_not_here_is_named() -> None:
    with pytest.raises(DatabaseError, match=r"pymysql"):
        SqlAccess.open("mysql+pymysql://reader@localhost/vendor")

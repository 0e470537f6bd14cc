"""The page for the IT person with a locked-down vendor system: what it says to type works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
from sqlcipher3 import dbapi2 as sqlcipher

from adapters.followers.local_views import note_for_local_systems
from adapters.followers.views_page import PAGE, page
from adapters.process.overviews import FILE
from adapters.settings import unit_folder
from tests.local_database import ReadingUnit, vendor_on_sqlite

TEXT = PAGE.read_text(encoding="utf-8")
ACCOUNT, VIEWS = re.findall(r"^```sql\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
COMMANDS = "\n".join(re.findall(r"^```sh\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL))
(MAPPING,) = re.findall(r"^```yaml\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_page_work_as_they_stand_there(tmp_path: Path) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    unit = ReadingUnit.make(home)
    vendor = vendor_on_sqlite(work / "vendor.db")
    vendor.put(1, 2)
    vendor.put(2, 3)
    for folder in (home, work):
        (folder / "vendor.yaml").write_text(MAPPING, encoding="utf-8")
    scripts = Path(sys.executable).parent
    environment = os.environ | {"SPOJKA_ADAPTER_HOME": str(home), "PATH": f"{scripts}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["/bin/bash", "-ec", COMMANDS], cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stdout + done.stderr
    assert '"service.delivered' in done.stdout.replace("eu.spojka.", "")
    assert (work / "shared" / "timeline.csv").read_text(encoding="utf-8-sig").count("2026/17") == 2
    assert (work / "shared.xlsx").is_file()
    assert "2026/17" in (work / "copy-2026-17.txt").read_text(encoding="utf-8")
    with unit.house() as house:
        assert [one.unit for one in house.settings.polls] == ["op"]
        assert [str(one.to) for one in house.settings.exports] == ["for-excel.xlsx"]
        note_for_local_systems(house)
    with closing(sqlcipher.connect(f"file:{unit_folder(home, house.unit) / FILE}?mode=ro", uri=True)) as connection:
        connection.execute(f'PRAGMA key = "{(work / "views.key").read_text()}"')
        answers = [connection.execute(query).fetchall() for query in VIEWS.strip().split(";\n")]
    assert answers[0] == [(0, "never-connected")]
    assert [row[0] for row in answers[1] if "service" in row[3]] == ["2026/17", "2026/17"]


def test_the_account_that_the_page_asks_for_may_read_and_not_write(quick_database: str) -> None:
    with psycopg.connect(quick_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE services (id integer)")
        connection.execute(ACCOUNT.encode())
        allowed = connection.execute(
            "SELECT has_table_privilege('spojka_docs', 'services', 'SELECT'), "
            "has_table_privilege('spojka_docs', 'services', 'INSERT, UPDATE, DELETE')"
        ).fetchone()
        connection.execute("DROP OWNED BY spojka_docs")
        connection.execute("DROP ROLE spojka_docs")
    assert allowed == (True, False)


def test_the_page_names_every_view_and_column() -> None:
    assert page() == TEXT, "write it again: python -m adapters.followers.views_page"

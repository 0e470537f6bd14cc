"""`spojka-adapter map`: a mapping proposed, and everything that is wrong with one said in a way that a person can mend."""

# ruff: noqa: DTZ001 - a sheet knows no zones

import json
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest
import yaml
from openpyxl import Workbook
from typer.testing import CliRunner

from adapters import commands
from adapters.connectors.import_words import ADVICE, WORDS
from adapters.connectors.mapping_file import load_mapping, parse_mapping, shipped_names
from adapters.connectors.refusal import RefusalReason
from adapters.connectors.suggestion import suggest
from contracts.messages.referral import ReferralSent
from tests.unit.connectors.folder import make

REFERRALS = (
    "Předání 2026;;;;;;\n"
    "Číslo;Klient;Datum;Komu;Oblast;Odpověď do;Můj sloupec\n"
    "1;k-1;10. 2. 2026;Úřad práce;bydlení;20. 2. 2026;x\n"
    "2;k-2;11. 2. 2026;Škola;Bydlení;21. 2. 2026;y\n"
)


def call(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(commands.app, ["map", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def test_a_proposal_for_a_sheet_of_referrals_reads_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "Moje předání.csv"
    path.write_text(REFERRALS, encoding="utf-8")
    code, text = call("suggest", str(path))
    assert code == 0
    assert "Můj sloupec" in text, "what is not read is said"
    made = make(path, parse_mapping(text, "m.yaml"))
    assert not made.refusals
    facts = [one.facts for one in made.drafts if isinstance(one.facts, ReferralSent)]
    assert [one.target for one in facts] == ["urad-prace", "skola"]
    assert {one.category for one in made.drafts} == {"housing"}, "words of the glossary are known"


def test_a_proposal_for_a_workbook_of_services_reads_dates_and_hours(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["Datum", "Klient", "Služba", "Hodin", "Poznámka"])
    book.active.append([datetime(2026, 2, 10), "k-1", "Kurz", 1.5, "první"])
    book.active.append([datetime(2026, 2, 11), "k-1", "Kurz", 2, None])
    book.save(tmp_path / "sluzby.xlsx")
    made = make(tmp_path / "sluzby.xlsx", parse_mapping(suggest(tmp_path / "sluzby.xlsx"), "m.yaml"))
    assert made.report == {"eu.spojka.service.delivered.v1": 2}
    assert not made.refusals


@pytest.mark.parametrize("content", [b"", b"1;2;3\n4;5;6\n", b"\xff\xfe"])
def test_nothing_is_proposed_where_no_row_has_names(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    done = CliRunner().invoke(commands.app, ["map", "suggest", str(tmp_path / "a.csv")])
    assert done.exit_code == 1


def test_everything_that_is_wrong_with_a_mapping_is_said_at_once_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    text = (
        load_text("example")
        .replace("message: service.delivered", "message: service.given")
        .replace("table: results", "table: result")
    )
    path.write_text(text, encoding="utf-8")
    code, out = call("check", str(path), "--json")
    found = json.loads(out)["mapping"]
    assert code == 1
    assert [text.splitlines()[one["line"] - 1].strip().split(" ")[0] for one in found] == ["message:", "outcome:"]
    assert all(one["advice"] for one in found)


def load_text(name: str) -> str:
    return (Path(__file__).parents[3] / "adapters" / "connectors" / "mappings" / f"{name}.yaml").read_text(
        encoding="utf-8"
    )


def test_each_wrong_cell_is_said_with_row_column_value_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "sluzby.csv"
    path.write_text(
        "Číslo případu;Datum;Služba;Hodin;Výsledek;Poznámka;Změněno;Smazáno;Barva\n1;31. 2. 2026;kurz;1;;;;;x\n",
        encoding="utf-8",
    )
    code, out = call("check", "example", str(path), "--json")
    told = json.loads(out)
    (refused,) = told["refused"]
    assert code == 1
    assert (refused["row"], refused["column"], refused["value"]) == (2, "Datum", "31. 2. 2026")
    assert "format: dates:" in refused["advice"]
    assert told["unmapped"]["columns"] == {"sluzby.csv": ["Barva"]}
    code, out = call("check", "example", str(path), "--lang", "cs")
    assert "Barva" in out
    assert "Co s tím" in out


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_mapping_is_in_order_and_as_the_schema_for_editors_says(name: str) -> None:
    assert call("check", name) == (0, "The mapping is in order.\n")
    assert load_mapping(name).mapping == name
    _, schema = call("schema")
    as_text = yaml.load(load_text(name), Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but texts
    texts_only = {"boolean": lambda one: one in {"true", "false"}, "integer": str.isdigit}
    checker = jsonschema.Draft202012Validator.TYPE_CHECKER
    for kind, holds in texts_only.items():
        checker = checker.redefine(kind, lambda _, one, holds=holds: isinstance(one, str) and holds(one))
    jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=checker)(json.loads(schema)).validate(
        as_text
    )


def test_every_reason_has_advice_in_every_language() -> None:
    assert set(ADVICE) == set(RefusalReason)
    assert all(
        set(texts) == {"en", "cs", "pl"} and all(texts.values()) for texts in [*ADVICE.values(), *WORDS.values()]
    )

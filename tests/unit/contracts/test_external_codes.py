"""Codes that others publish: every published one passes, what a spreadsheet makes of it does not."""

import csv
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts.code_lists import external


def passes(form: Any, given: object) -> bool:  # noqa: ANN401 - an Annotated type has no type of its own
    try:
        TypeAdapter[object](form).validate_python(given)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("form", "given"),
    [
        (external.IscoCode, "7212"),
        (external.IscoCode, "0110"),
        (external.IscoCode, "7"),
        (external.EscoUri, "http://data.europa.eu/esco/occupation/00030d09-2b3a-4efd-87cc-c4ea39d27c34"),
        (external.IscedLevel, "3"),
        (external.NutsCode, "CZ042"),
        (external.LauCode, "CZ_562335"),
        (external.TerytCode, "1465088"),
        (external.TerytCode, "0201011"),
        (external.LanguageCode, "uk"),
        (external.CountryCode, "CZ"),
        (external.AreaCode, "CZ042"),
        (external.AreaCode, "1465078"),
    ],
)
def test_a_code_of_the_stories_passes(form: object, given: str) -> None:
    assert passes(form, given)


@pytest.mark.parametrize(
    ("form", "given"),
    [
        (external.IscoCode, 7212),
        (external.IscoCode, "110 "),
        (external.IscoCode, "0500"),
        (external.IscoCode, "72125"),
        (external.IscoCode, "٧٢١٢"),
        (external.EscoUri, "https://data.europa.eu/esco/occupation/00030d09-2b3a-4efd-87cc-c4ea39d27c34"),
        (external.IscedLevel, "9"),
        (external.NutsCode, "cz042"),
        (external.NutsCode, "CZ0420"),
        (external.LauCode, "562335"),
        (external.TerytCode, "201011"),
        (external.TerytCode, 201011),
        (external.TerytCode, "146508"),
        (external.TerytCode, "0301011"),
        (external.LanguageCode, "CES"),
        (external.CountryCode, "cz"),
        (external.AreaCode, "Praga-Północ"),
    ],
)
def test_a_code_that_lost_a_zero_or_its_case_is_refused(form: object, given: object) -> None:
    assert not passes(form, given)


def test_a_trailing_newline_is_not_part_of_a_code() -> None:
    assert not passes(external.NutsCode, "CZ042\n")


class TestPublishedCodes:
    def test_every_isco_unit_group_and_its_uri(self, shared_material: Path) -> None:
        path = shared_material / "data/codes/esco-isco/isco08_unit_groups_labels_en_cs_pl_sk_de.csv"
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        assert len(rows) == 436
        assert [r for r in rows if not passes(external.IscoCode, r["isco08_code"])] == []
        assert [r for r in rows if not passes(external.EscoUri, r["esco_uri"])] == []

    @pytest.mark.parametrize("name", ["occupations", "skillGroups", "ISCOGroups"])
    def test_every_esco_uri(self, shared_material: Path, name: str) -> None:
        path = shared_material / f"data/codes/esco-isco/tabiya-esco-v1.1.1/csv/{name}.csv"
        with path.open(encoding="utf-8", newline="") as lines:
            uris = [row["ORIGINURI"] for row in csv.DictReader(lines)]
        assert len(uris) > 600
        assert [uri for uri in uris if not passes(external.EscoUri, uri)] == []

    def test_every_nuts_code(self, shared_material: Path) -> None:
        with (shared_material / "data/codes/nuts/nuts2021_codes.csv").open(encoding="utf-8", newline="") as lines:
            found = [row["nuts_id"] for row in csv.DictReader(lines)]
        assert len(found) == 2010
        assert [code for code in found if not passes(external.NutsCode, code)] == []

    def test_every_polish_gmina(self, shared_material: Path) -> None:
        path = shared_material / "data/codes/teryt/TERC_Urzedowy_2022-09-08.csv"
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = [row for row in csv.DictReader(lines, delimiter=";") if row["RODZ"]]
        found = [row["WOJ"] + row["POW"] + row["GMI"] + row["RODZ"] for row in rows]
        assert len(found) > 3000
        assert [code for code in found if not passes(external.TerytCode, code)] == []

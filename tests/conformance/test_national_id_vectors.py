"""The published numbers: every valid one is taken, every wrong one is refused for its reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.people.national_ids import NationalIdError, birth_date, normalised
from contracts.derived_subject import Scheme


@pytest.fixture
def vectors(shared_material: Path) -> Any:  # noqa: ANN401  JSON of others
    return json.loads((shared_material / "vectors" / "national_ids.json").read_text(encoding="utf-8"))


def faults(scheme: Scheme, numbers: list[str]) -> set[str]:
    found = set()
    for number in numbers:
        with pytest.raises(NationalIdError) as caught:
            normalised(scheme, number)
        assert number not in str(caught.value)
        found.add(caught.value.fault)
    return found


def test_every_valid_pesel_tells_its_date_of_birth(vectors: Any) -> None:  # noqa: ANN401
    for one in vectors["pesel"]["valid"]:
        assert normalised(Scheme.PESEL, one["n"]) == one["n"]
        assert birth_date(Scheme.PESEL, one["n"]).isoformat() == one["birth"]


def test_a_wrong_pesel_is_refused_for_its_reason(vectors: Any) -> None:  # noqa: ANN401
    assert faults(Scheme.PESEL, vectors["pesel"]["bad_check"]) == {"check"}
    assert faults(Scheme.PESEL, vectors["pesel"]["bad_date"]) <= {"date", "check"}


def test_every_valid_rodne_cislo_tells_its_date_of_birth(vectors: Any) -> None:  # noqa: ANN401
    of_all = vectors["rodne_cislo"]
    for one in of_all["valid"] + of_all["valid_legacy_remainder10"]:
        assert normalised(Scheme.RODNE_CISLO, f"{one['n'][:6]}/{one['n'][6:]}") == one["n"]
        assert birth_date(Scheme.RODNE_CISLO, one["n"]).isoformat() == one["birth"]


def test_a_wrong_rodne_cislo_is_refused_for_its_reason(vectors: Any) -> None:  # noqa: ANN401
    of_all = vectors["rodne_cislo"]
    assert faults(Scheme.RODNE_CISLO, of_all["bad_check"]) == {"check"}
    assert faults(Scheme.RODNE_CISLO, of_all["bad_date"]) == {"date"}
    assert faults(Scheme.RODNE_CISLO, of_all["bad_length"]) == {"length"}


def test_what_the_library_lets_pass_is_refused_all_the_same(vectors: Any) -> None:  # noqa: ANN401
    lax = [one["n"] for one in vectors["rodne_cislo"]["accepted_by_stdnum_2_2_but_should_be_rejected"]]
    assert faults(Scheme.RODNE_CISLO, lax) == {"date"}

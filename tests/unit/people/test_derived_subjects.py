"""A pseudonym from a national id: the same at every entitled unit, tellable by nobody without the key, and the key in no setting."""

import re
from pathlib import Path

import pytest

from adapters.people import programme_key
from adapters.people.national_ids import NationalIdError, normalised
from adapters.people.programme_key import ProgrammeKeyError
from contracts.derived_subject import Scheme, derive_subject

KEY = bytes(range(32))


def test_two_units_with_the_programme_key_meet_in_one_subject_whatever_the_spelling() -> None:
    written = {normalised(Scheme.RODNE_CISLO, number) for number in ("710319/2745", "7103192745", " 710319 2745 ")}
    assert len({derive_subject(Scheme.RODNE_CISLO, one, programme_key=KEY) for one in written}) == 1


def test_a_derived_subject_has_the_published_form_and_depends_on_key_scheme_and_number() -> None:
    subject = derive_subject(Scheme.PESEL, "44051401359", programme_key=KEY)
    assert re.fullmatch(r"h1\.[a-z2-7]{52}", subject)
    others = {
        derive_subject(Scheme.PESEL, "44051401359", programme_key=KEY[::-1]),
        derive_subject(Scheme.PESEL, "02211307589", programme_key=KEY),
        derive_subject(Scheme.RODNE_CISLO, "44051401359", programme_key=KEY),
    }
    assert subject not in others
    assert len(others) == 3


def test_an_adapter_in_another_language_derives_the_same() -> None:
    """The example of the contracts: HMAC-SHA256 over u16be length ‖ scheme ‖ u16be length ‖ digits, computed apart with openssl."""
    assert (
        derive_subject(Scheme.PESEL, "44051401359", programme_key=KEY)
        == "h1.gxgncuoe7c3rzlf3uxwkhwddm76zymbqja5mqhogzu32ixy3vfsa"
    )


def test_a_short_key_derives_nothing() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        derive_subject(Scheme.PESEL, "44051401359", programme_key=b"short")


@pytest.mark.parametrize("number", ["", "abc", "4405140135", "440514013590", "44051401358", "٤٤٠٥١٤٠١٣٥٩"])
def test_what_is_no_pesel_derives_nothing_and_stands_in_no_error(number: str) -> None:
    with pytest.raises(NationalIdError) as caught:
        normalised(Scheme.PESEL, number)
    assert not number or number not in str(caught.value)


def key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "programme-key"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_key_is_read_from_its_owners_file(tmp_path: Path) -> None:
    assert programme_key.load(key_file(tmp_path, KEY.hex() + "\n")) == KEY


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [(KEY.hex(), 0o640, "Others may read"), (KEY.hex()[:62], 0o600, "too short"), ("swordfish", 0o600, "no programme")],
)
def test_a_key_that_others_may_read_or_that_is_none_is_refused_without_showing_it(
    tmp_path: Path, text: str, mode: int, told: str
) -> None:
    with pytest.raises(ProgrammeKeyError, match=told) as caught:
        programme_key.load(key_file(tmp_path, text, mode))
    assert text not in str(caught.value)


def test_a_missing_key_says_who_hands_it_over(tmp_path: Path) -> None:
    with pytest.raises(ProgrammeKeyError, match="operator"):
        programme_key.load(tmp_path / "none")

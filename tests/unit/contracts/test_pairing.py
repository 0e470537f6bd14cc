"""What a person carries on paper: copied by hand it still works, miscopied it is noticed at once, and it tells nothing."""

import secrets
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

from contracts.names import ProgrammeId, SubjectId, UnitId
from contracts.pairing import (
    ALPHABET,
    NotOpenedError,
    PairingCodeError,
    meeting_of,
    new_code,
    read_code,
    unwrap,
    wrap,
    written,
)

RANDOM = st.binary(min_size=12, max_size=12)
DECIN = ProgrammeId("decin")
OP = UnitId("op")
SUBJECTS = [SubjectId("r1." + "k" * 26), SubjectId("h1." + "k" * 52)]


@given(RANDOM)
def test_a_code_is_read_as_people_copy_it(random: bytes) -> None:
    code = new_code(random)
    for typed in (
        written(code).lower(),
        f"  {written(code)}\n",
        code.replace("1", "I").replace("0", "o"),
        code.replace("1", "l"),
    ):
        assert read_code(typed) == code


@given(RANDOM)
def test_the_check_character_is_that_of_iso_7064(random: bytes) -> None:
    assert mod_37_36.is_valid(new_code(random), ALPHABET)


@given(RANDOM, st.integers(0, 19), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed_at_the_desk(random: bytes, place: int, wrong: str) -> None:
    code = new_code(random)
    typed = code[:place] + wrong + code[place + 1 :]
    if typed == code:
        return
    with pytest.raises(PairingCodeError):
        read_code(typed)


def test_nearly_all_swapped_neighbours_are_noticed() -> None:
    noticed = tried = 0
    for _ in range(200):
        code = new_code(secrets.token_bytes(12))
        for place, (one, next_one) in enumerate(pairwise(code)):
            if one == next_one:
                continue
            tried += 1
            try:
                read_code(code[:place] + next_one + one + code[place + 2 :])
            except PairingCodeError:
                noticed += 1
    assert noticed / tried > 0.95


@pytest.mark.parametrize("typed", ["", "ABCD", "U" * 20, "é" * 20, "0" * 19 + "*", "0" * 40])
def test_what_is_no_code_is_told_so(typed: str) -> None:
    with pytest.raises(PairingCodeError):
        read_code(typed)


def test_codes_hold_95_random_bits() -> None:
    assert len({new_code(bytes(11) + bytes([last])) for last in range(256)}) == 128
    assert new_code(b"\xff" * 12)[:19] == "Z" * 19


@pytest.mark.parametrize("subject", SUBJECTS)
def test_only_the_code_opens_what_the_issuer_left_and_both_kinds_of_subject_look_alike(subject: SubjectId) -> None:
    meeting, other = (meeting_of(new_code(bytes([n]) * 12), DECIN) for n in (1, 2))
    wrapped = wrap(subject, meeting=meeting, issuer=OP, nonce=bytes(12))
    assert unwrap(wrapped, meeting=meeting, issuer=OP) == subject
    assert len(wrapped) == len(wrap(SUBJECTS[0], meeting=meeting, issuer=OP, nonce=bytes(12)))
    for wrong in ((other, OP), (meeting, UnitId("md"))):
        with pytest.raises(NotOpenedError):
            unwrap(wrapped, meeting=wrong[0], issuer=wrong[1])


def test_a_code_of_one_programme_meets_nobody_in_another() -> None:
    code = new_code(bytes(12))
    assert meeting_of(code, DECIN) != meeting_of(code, ProgrammeId("praga"))

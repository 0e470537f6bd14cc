"""Encrypted states: what was sealed opens at its place, whole and under its own keys, and nowhere else."""

from collections.abc import Mapping

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hub.infrastructure.postgres.state_cipher import (
    CLEAR,
    Opened,
    StateKey,
    keys_named,
    open_state,
    place,
    seal_parted,
    seal_whole,
)

KEYS = st.binary(min_size=32, max_size=32).map(StateKey.of)
PLACES = st.builds(place, st.uuids(), st.integers(1, 2**63 - 1), st.sampled_from(["message-accepted/1", "a", "b"]))


@settings(max_examples=60)
@given(st.binary(max_size=300), st.none() | st.binary(min_size=1, max_size=300), KEYS, KEYS, PLACES, PLACES)
def test_a_state_opens_at_its_place_and_at_no_other(  # noqa: PLR0913, PLR0917 - all drawn
    decision: bytes, content: bytes | None, evidence: StateKey, entry: StateKey, here: bytes, elsewhere: bytes
) -> None:
    assume(here != elsewhere)
    state = _sealed(decision, content, evidence, entry, here)
    assert not state.startswith(CLEAR)
    assert open_state(state, evidence=evidence, entry=entry, bound=here) == Opened(decision, content)
    with pytest.raises(ValueError, match="do not fit"):
        open_state(state, evidence=evidence, entry=entry, bound=elsewhere)
    if content is not None:
        assert open_state(state, evidence=evidence, entry=None, bound=here) == Opened(decision, b"")


@settings(max_examples=60)
@given(st.binary(max_size=60), st.none() | st.binary(min_size=1, max_size=60), KEYS, KEYS, PLACES, st.data())
def test_no_bit_of_a_state_can_change_unseen(  # noqa: PLR0913, PLR0917 - all drawn
    decision: bytes, content: bytes | None, evidence: StateKey, entry: StateKey, here: bytes, data: st.DataObject
) -> None:
    state = bytearray(_sealed(decision, content, evidence, entry, here))
    state[data.draw(st.integers(0, len(state) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    known = {evidence.key_id: evidence, entry.key_id: entry}
    with pytest.raises((ValueError, KeyError)):
        _opened(bytes(state), known, here)


@given(st.binary(max_size=200), KEYS, PLACES)
def test_bytes_of_anyone_are_refused_and_never_another_error(state: bytes, key: StateKey, here: bytes) -> None:
    with pytest.raises(ValueError, match=r"do not fit|not a state"):
        open_state(state, evidence=key, entry=key, bound=here)


def _sealed(decision: bytes, content: bytes | None, evidence: StateKey, entry: StateKey, here: bytes) -> bytes:
    if content is None:
        return seal_whole(decision, evidence=evidence, bound=here, nonce=bytes(12))
    return seal_parted(decision, content, evidence=evidence, entry=entry, bound=here, nonce=bytes(12))


def _opened(state: bytes, known: Mapping[bytes, StateKey], here: bytes) -> Opened:
    first, *rest = (known[name] for name in keys_named(state))
    return open_state(state, evidence=first, entry=rest[0] if rest else None, bound=here)


def test_states_are_encrypted_with_the_aes_of_the_published_test_case() -> None:
    """McGrew and Viega, The Galois/Counter Mode of Operation, test case 14."""
    cipher = StateKey.of(bytes(32)).cipher
    expected = "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919"
    assert cipher.encrypt(bytes(12), bytes(16), None).hex() == expected

"""What is sealed opens for whom the key was given, and for nobody else."""

import json
from base64 import b64encode, urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto import jwe as jwcrypto_jwe
from jwcrypto import jwk
from pydantic import ValidationError

from contracts.categories import Category, Purpose
from contracts.envelope import Message, compose, open_clear, parse
from contracts.facts import Jwe
from contracts.keys import KeyUse, SigningKey
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import MessageId, ProgrammeId, SubjectId, UnitId, source_of
from contracts.sealing import jwe
from contracts.sealing.content import open_content, open_with_message_key, seal_content, sealed_under
from contracts.sealing.content_key import ContentKey, KeyLabel, KeyMismatchError, checked, message_key, scope_of
from contracts.sealing.deposit import deposit, joined, open_share, read_deposit
from contracts.sealing.release import Release, open_release, seal_release
from contracts.sealing.suites import EncryptionKeyError, OpeningKey, SealingKey, SuiteId
from contracts.trust_list import KeyEntry

PROGRAMME: Final = ProgrammeId("decin")
ADVICE: Final = UnitId("advice")
LABOUR: Final = UnitId("labour")
SUBJECT: Final = SubjectId("r1." + "a" * 26)
LABEL: Final = KeyLabel(PROGRAMME, ADVICE, SUBJECT, "housing", 1)
KEY: Final = ContentKey(bytes(range(32)))
FINDING: Final = "Dluží nájem za tři měsíce."
NOW: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)


RFC_7516_A1: Final = (
    "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ",
    "48V1_ALb6US04U3b",
    "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A",
    "XFBoMYUZodetZdvTiFvSkQ",
)
"""RFC 7516, appendix A.1: the header, and the parts that come of it under the key below."""
RFC_7516_A1_KEY: Final = bytes.fromhex("b1a1f480548fe1733fb403ff6b9ad4f68a076e5b702e22692f82cb2e7aea40fc")


def test_content_is_encrypted_as_the_published_example_of_a_jwe_is() -> None:
    header, nonce, ciphertext, tag = RFC_7516_A1
    plaintext = b"The true sign of intelligence is not knowledge but imagination."
    made = jwe.under_header(header, plaintext, RFC_7516_A1_KEY, nonce=urlsafe_b64decode(nonce))
    assert made.split(".") == [header, "", nonce, ciphertext, tag]


def test_a_jwe_whose_key_came_another_way_is_not_opened_even_under_its_key() -> None:
    header, *parts = RFC_7516_A1
    with pytest.raises(jwe.JweError, match="more or else"):
        jwe.open_sealed(".".join((header, "", *parts)), RFC_7516_A1_KEY)


def raw(number: int = 1, *, category: Category = Category.HOUSING, finding: str = FINDING) -> bytes:
    return compose(
        NeedAssessed(dimension="housing", level="urgent"),
        id=MessageId(f"01890000-0000-7000-8000-{number:012d}"),
        source=source_of(PROGRAMME, ADVICE),
        time=NOW,
        programme=PROGRAMME,
        sequence=number,
        subject=SUBJECT,
        category=category,
        purpose=Purpose.SUPPORT,
        content=NeedContent(finding=finding),
    )


def sealed(number: int = 1, *, key: ContentKey = KEY, category: Category = Category.HOUSING) -> Message:
    return parse(seal_content(raw(number, category=category), key))


def compact(message: Message) -> str:
    assert isinstance(message.data.sealed, Jwe)
    return message.data.sealed.jwe


def test_who_has_the_content_key_reads_what_the_author_wrote() -> None:
    opened = open_content(sealed(), KEY)

    facts, content = open_clear(opened)

    assert facts == NeedAssessed(dimension="housing", level="urgent")
    assert content == NeedContent(finding=FINDING)


def test_codes_of_a_health_entry_cannot_be_read_without_the_key() -> None:
    message = sealed(category=Category.HEALTH)

    assert message.facts == NeedAssessed()
    assert open_clear(open_content(message, KEY))[0] == NeedAssessed(dimension="housing", level="urgent")


@pytest.mark.parametrize("word", ["nájem", "urgent"])
def test_no_word_of_a_sealed_health_entry_stands_in_its_bytes(word: str) -> None:
    assert word.encode() not in seal_content(raw(category=Category.HEALTH), KEY)


def test_a_library_that_we_did_not_write_opens_a_sealed_message() -> None:
    message = sealed()
    secret = message_key(KEY, message)
    token = jwcrypto_jwe.JWE(algs=["dir", "A256GCM"])

    token.deserialize(compact(message), key=jwk.JWK(kty="oct", k=b64encode(secret, b"-_").rstrip(b"=").decode()))

    assert json.loads(token.payload) == {"finding": FINDING}
    assert json.loads(token.objects["protected"]) == {"alg": "dir", "enc": "A256GCM", "kid": KEY.key_id}


def test_the_key_of_one_message_opens_no_other() -> None:
    one, other = sealed(1), sealed(2)
    secret = message_key(KEY, one)

    assert open_clear(open_with_message_key(one, secret))[1] == NeedContent(finding=FINDING)
    with pytest.raises(jwe.JweError):
        open_with_message_key(other, secret)


def test_content_moved_into_another_message_does_not_open() -> None:
    one, other = sealed(1), sealed(2)
    moved = other.model_copy(update={"data": one.data})

    with pytest.raises(jwe.JweError):
        open_content(moved, KEY)


@given(st.text(min_size=1, max_size=2000).filter(lambda text: "\x00" not in text and text.isprintable()))
def test_lengths_tell_only_how_many_blocks_were_written(finding: str) -> None:
    message = parse(seal_content(raw(finding=finding), KEY))

    assert len(jwe.open_sealed(compact(message), message_key(KEY, message))) % jwe.BLOCK == 0


def test_a_key_that_is_not_the_one_named_is_noticed() -> None:
    with pytest.raises(KeyMismatchError):
        checked(bytes(32), KEY.key_id)
    assert sealed_under(sealed()) == KEY.key_id


def test_a_key_shows_in_no_representation() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert "\\x01" not in repr(KEY)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "dir", "enc": "A256GCM", "kid": "k", "zip": "DEF"},
        {"alg": "dir", "enc": "A128GCM", "kid": "k"},
        {"alg": "A256KW", "enc": "A256GCM", "kid": "k"},
        {"alg": "dir", "enc": "A256GCM"},
        {"alg": "dir", "enc": "A256GCM", "kid": 7},
    ],
)
def test_a_header_that_asks_for_more_is_refused(header: dict[str, object]) -> None:
    text = b64encode(json.dumps(header).encode(), b"-_").rstrip(b"=").decode()

    with pytest.raises(jwe.JweError):
        jwe.open_sealed(f"{text}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA", bytes(32))


@given(st.text(alphabet="ABCabc019-_.=+/ ž", max_size=120))
def test_whatever_stands_in_place_of_a_jwe_is_refused_and_never_crashes(text: str) -> None:
    with pytest.raises(jwe.JweError):
        jwe.open_sealed(text, bytes(32))


@pytest.mark.parametrize("suite", list(SuiteId))
@pytest.mark.parametrize("custodians", [1, 2])
def test_a_deposited_key_opens_when_all_custodians_agree(suite: SuiteId, custodians: int) -> None:
    openings = [OpeningKey.generate(UnitId("hub"), suite) for _ in range(custodians)]
    value = deposit(KEY, LABEL, custodians=[one.sealing_key for one in openings])

    parts = [
        open_share(share, one, LABEL, key_id=KEY.key_id)
        for share, one in zip(read_deposit(value).shares, openings, strict=True)
    ]

    assert joined(parts, KEY.key_id) == KEY
    if custodians > 1:
        with pytest.raises(KeyMismatchError):
            joined(parts[:1], KEY.key_id)


@pytest.mark.parametrize(
    ("label", "key_id"),
    [
        (replace(LABEL, scope="health"), KEY.key_id),
        (replace(LABEL, epoch=2), KEY.key_id),
        (replace(LABEL, author=LABOUR), KEY.key_id),
        (replace(LABEL, programme=ProgrammeId("other")), KEY.key_id),
        (LABEL, "0" * 64),
    ],
)
def test_a_deposit_for_one_purpose_opens_for_no_other(label: KeyLabel, key_id: str) -> None:
    opening = OpeningKey.generate(UnitId("hub"))
    share = read_deposit(deposit(KEY, LABEL, custodians=[opening.sealing_key])).shares[0]

    with pytest.raises(EncryptionKeyError):
        open_share(share, opening, label, key_id=key_id)


def draft(**changed: object) -> Release:
    said: dict[str, object] = {
        "programme": PROGRAMME,
        "recipient": LABOUR,
        "author": ADVICE,
        "subject": SUBJECT,
        "scope": scope_of(sealed()),
        "epoch": 1,
        "key_id": KEY.key_id,
        "shard": 0,
        "position": 4,
        "to": "labour/encryption/0000000000000000",
        "sealed": "AAAA",
    }
    return Release.model_validate(said | changed)


def test_a_released_key_opens_at_its_recipient_alone() -> None:
    labour, other = OpeningKey.generate(LABOUR), OpeningKey.generate(LABOUR)

    release = seal_release(draft(), KEY.secret, labour.sealing_key)

    assert checked(open_release(release, labour), release.key_id) == KEY
    with pytest.raises(EncryptionKeyError):
        open_release(release, other)


def test_a_release_that_was_changed_on_its_way_does_not_open() -> None:
    labour = OpeningKey.generate(LABOUR)
    release = seal_release(draft(), KEY.secret, labour.sealing_key)

    for changed in ({"scope": "health"}, {"epoch": 2}, {"author": LABOUR}, {"key_id": "0" * 64}):
        with pytest.raises(EncryptionKeyError):
            open_release(release.model_copy(update=changed), labour)


def entry(key: SealingKey, **changed: object) -> KeyEntry:
    said = KeyEntry.of_encryption(key, valid_from=NOW, valid_until=NOW + timedelta(days=30))
    return KeyEntry.model_validate(said.model_dump() | changed)


def test_the_trust_list_fixes_how_one_seals_to_a_key() -> None:
    key = OpeningKey.generate(LABOUR).sealing_key

    assert entry(key).sealing_key().key_id == key.key_id
    with pytest.raises(EncryptionKeyError):
        entry(key, suite=SuiteId.X25519).sealing_key()
    with pytest.raises(ValidationError):
        entry(key, suite="none")


def test_a_key_that_signs_is_no_encryption_key() -> None:
    signing = SigningKey.generate(LABOUR, KeyUse.MESSAGES).verifying_key

    assert KeyEntry.of(signing, valid_from=NOW, valid_until=NOW + timedelta(days=1)).use is KeyUse.MESSAGES

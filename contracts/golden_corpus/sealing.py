"""Content keys on their way: a deposit as it stands in the header `spojka-key`, and releases, in both suites, with the private keys that open them.

Invariant: HPKE draws at random, so what was sealed once is kept here as it came out; everything around it follows from fixed seeds, and a test opens
it.
"""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from contracts import strict_json
from contracts.dsse import to_envelope
from contracts.envelope import Message, parse
from contracts.feed_record import payload_of, write
from contracts.golden_corpus.actors import ADVICE, CONSENT, LABOUR, PROGRAMME, SUBJECT
from contracts.golden_corpus.messages import sealed_example
from contracts.golden_corpus.sealed_once import SEALED_ONCE
from contracts.keys import KeyUse, SigningKey
from contracts.names import HUB, UnitId
from contracts.pae import PayloadType
from contracts.sealing.content_key import ContentKey, KeyLabel, message_key
from contracts.sealing.deposit import Deposit, Share, deposit_info
from contracts.sealing.release import Release, release_info
from contracts.sealing.suites import PRIVATE_LENGTHS, OpeningKey, SuiteId
from contracts.signed_bytes import sign_one

CONTENT_KEY: Final = ContentKey(bytes(range(32)))
"""That of `messages.json`."""
LABEL: Final = KeyLabel(PROGRAMME, ADVICE, SUBJECT, "housing", 3)
RELEASES: Final = SigningKey(sha256(b"golden corpus releases").digest(), unit=HUB, use=KeyUse.RELEASES)


def opening_key(unit: UnitId, suite: SuiteId) -> OpeningKey:
    """A key pair that everybody can make: SHA-256 of a numbered text, joined and cut."""
    drawn = b"".join(sha256(f"golden corpus {unit} {suite} {number}".encode()).digest() for number in range(3))
    return OpeningKey(drawn[: PRIVATE_LENGTHS[suite]], unit=unit, suite=suite)


def secrets_of(message: Message) -> Mapping[str, bytes]:
    """What is sealed in each suite: the content key to the key service and to a unit, and the key of one message to that unit."""
    return {
        "deposit": CONTENT_KEY.secret,
        "content-key": CONTENT_KEY.secret,
        "message-key": message_key(CONTENT_KEY, message),
    }


def draft(form: str, suite: SuiteId) -> Release:
    """A release whose key is not sealed yet."""
    return Release(
        programme=PROGRAMME,
        recipient=LABOUR,
        author=ADVICE,
        subject=SUBJECT,
        scope=LABEL.scope,
        epoch=LABEL.epoch,
        key_id=CONTENT_KEY.key_id,
        message_id=parse(sealed_example()).id if form == "message-key" else None,
        shard=0,
        position=41,
        ground_id=CONSENT,
        to=opening_key(LABOUR, suite).key_id,
        sealed="AAAA",
    )


def info_of(form: str, suite: SuiteId) -> tuple[OpeningKey, bytes]:
    """Who opens it, and HPKE's `info`."""
    if form == "deposit":
        hub = opening_key(HUB, suite)
        return hub, deposit_info(CONTENT_KEY.key_id, LABEL, hub.sealing_key)
    return opening_key(LABOUR, suite), release_info(draft(form, suite), suite)


def document() -> dict[str, object]:
    """`sealing.json`."""
    return {
        "about": "Content keys as they travel (contracts/sealing.md). `sealed` is HPKE, base mode, single shot: encapsulated key ‖ ciphertext, with "
        "`info` as given and no associated data. A private key of the hybrid is ML-KEM-768 seed ‖ X25519 key, its public key ek_PQ ‖ ek_X25519.",
        "content_key": CONTENT_KEY.secret.hex(),
        "releases_key": {"key_id": RELEASES.key_id, "public_key": b64encode(RELEASES.public_bytes).decode()},
        "sealed": [_written(form, suite) for suite in SuiteId for form in secrets_of(parse(sealed_example()))],
    }


def _written(form: str, suite: SuiteId) -> dict[str, object]:
    opening, info = info_of(form, suite)
    sealed = SEALED_ONCE[suite][form]
    return {
        "form": form,
        "suite": suite.value,
        "opens_with": {
            "key_id": opening.key_id,
            "private_key": b64encode(opening.private_bytes).decode(),
            "public_key": b64encode(opening.sealing_key.public_bytes).decode(),
        },
        "info": info.hex(),
        "sealed": sealed,
        "opened": secrets_of(parse(sealed_example()))[form].hex(),
        **_carried(form, suite, sealed),
    }


def _carried(form: str, suite: SuiteId, sealed: str) -> dict[str, object]:
    """As it travels: in the header of a `key.deposited`, or as a record of the recipient's feed."""
    if form == "deposit":
        share = Share(to=opening_key(HUB, suite).key_id, sealed=sealed)
        header = strict_json.canonical(Deposit(shares=(share,)).model_dump(mode="json"))
        return {"header": header.decode(), "deposit_hash": sha256(header).hexdigest()}
    release = draft(form, suite).model_copy(update={"sealed": sealed})
    envelope = to_envelope(sign_one(payload_of(release), RELEASES, PayloadType.RELEASE), PayloadType.RELEASE)
    return {
        "readable": release.model_dump(mode="json", exclude_none=True),
        "value": b64encode(write("release", envelope)).decode(),
    }

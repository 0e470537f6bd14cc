"""The golden corpus says the truth: whoever builds an adapter against it is accepted, answered and refused as it says.

Everything is read from the published files, as a vendor would read them.
"""

import json
from base64 import b64decode
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pymerkle import InmemoryTree

from adapters.exchange.ledger_check import Grown, judge
from contracts.codes import DeadLetterReason, RefusalCode
from contracts.delivery import Delivery, next_link
from contracts.dsse import from_envelope
from contracts.envelope import open_clear, parse
from contracts.feed_head import FeedHead
from contracts.feed_record import FeedRecord, document, read
from contracts.kafka_record import from_record
from contracts.keys import KeyUse, SigningKey, VerifyingKey
from contracts.ledger import policy, proof_file
from contracts.ledger.announcement import AnnouncementError, read_announcement, read_sighting
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.signed_note import parse_key
from contracts.messages.need import NeedContent
from contracts.names import HUB, KeyId, RecordKey, UnitId
from contracts.pae import PayloadType, pae
from contracts.partition import murmur2, partition_of
from contracts.receipt import Receipt
from contracts.sealing.content import open_content, open_with_message_key
from contracts.sealing.content_key import ContentKey
from contracts.sealing.release import Release
from contracts.signed_bytes import verify
from contracts.trust_list import Directory, TrustListError, read_envelope
from deploy.publish_contracts import FOLDER
from hub.application.case_files import CaseFile
from hub.application.docket import Docket
from hub.application.hub_voice import HubVoice
from hub.application.ports import DeadLetter, Head
from hub.application.programme import Programme
from hub.application.verification import Verified, Verifier
from hub.domain.events import MessageRefused
from projections.kafka.positions import RawRecord

Document = dict[str, Any]


@cache
def corpus(name: str) -> Document:
    read_document: Document = json.loads((FOLDER / "golden" / f"{name}.json").read_text(encoding="utf-8"))
    return read_document


def actors() -> Document:
    return corpus("actors")


def now() -> datetime:
    return datetime.fromisoformat(actors()["now"])


def public_key(unit: str, use: str) -> VerifyingKey:
    (found,) = [one for one in actors()["keys"] if (one["unit"], one["use"]) == (unit, use)]
    return VerifyingKey(b64decode(found["public_key"]), KeyId(found["key_id"]))


def roots() -> dict[KeyId, VerifyingKey]:
    root = public_key(HUB, KeyUse.DIRECTORY)
    return {root.key_id: root}


@cache
def directory(version: int) -> Directory:
    before = directory(version - 1) if version > 1 else None
    envelope = b64decode(actors()["trust_lists"][version - 1]["envelope"])
    return read_envelope(envelope, before=before, roots=roots(), at=now())


def headers_of(entry: Document) -> tuple[tuple[str, bytes], ...]:
    return tuple((one["name"], b64decode(one["value"])) for one in entry["headers"])


def value_of(entry: Document) -> bytes | None:
    value = entry["value"]
    if isinstance(value, dict):
        return b64decode(value["byte"]) * int(value["times"])
    return None if value is None else b64decode(value)


def raw(entry: Document, partition: int) -> RawRecord:
    key = entry["key"].encode()
    return RawRecord("hub.inbox", partition, 0, "corpus", key, value_of(entry), headers_of(entry), 0)


def verifier() -> Verifier:
    return Verifier(shard=0, partitions=actors()["partitions"])


def good_messages() -> list[Document]:
    messages = corpus("messages")
    return [*messages["messages"], *messages["batch"], messages["jwe"]]


def test_every_key_follows_from_its_published_text() -> None:
    for one in actors()["keys"]:
        seed = sha256(one["seed_is_sha256_of"].encode()).digest()
        signing = SigningKey(seed, unit=UnitId(one["unit"]), use=KeyUse(one["use"]))
        assert (signing.seed.hex(), signing.key_id) == (one["seed"], one["key_id"])
        assert b64decode(one["public_key"]) == signing.public_bytes


def test_trust_list_2_is_believed_only_by_whoever_has_read_list_1() -> None:
    assert directory(2).version == 2
    first, second = (b64decode(one["envelope"]) for one in actors()["trust_lists"])
    with pytest.raises(TrustListError):
        read_envelope(second, before=directory(2), roots=roots(), at=now())
    with pytest.raises(TrustListError):
        read_envelope(first, before=directory(1), roots=roots(), at=now())
    forger = public_key("stranger", KeyUse.MESSAGES)
    with pytest.raises(TrustListError):
        read_envelope(first, before=None, roots={forger.key_id: forger}, at=now())


@pytest.mark.parametrize("number", range(len(good_messages())))
def test_every_message_speaks_for_its_author_where_the_corpus_says(number: int) -> None:
    entry = good_messages()[number]
    checked = verifier().check(raw(entry, entry["partition"]["4"]), directory(1), now())
    assert isinstance(checked, Verified)
    assert checked.fault is None
    assert checked.signed.digest.hex() == entry["digest"]
    assert json.loads(checked.signed.payload) == entry["readable"]
    for count, partition in entry["partition"].items():
        assert partition_of(entry["key"], int(count)) == partition


def test_signatures_are_those_that_another_library_makes_from_the_seeds() -> None:
    for entry in corpus("messages")["messages"]:
        headers = dict(headers_of(entry))
        (signer,) = [one for one in actors()["keys"] if one["key_id"] == headers["dsse-keyid"].decode()]
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(signer["seed"]))
        signed = pae("application/cloudevents+json", b64decode(entry["value"]))
        assert private.sign(signed) == b64decode(headers["dsse-sig"])


def test_a_batch_has_one_signature_and_each_of_its_messages_verifies_alone() -> None:
    batch = corpus("messages")["batch"]
    signed = [from_record(value_of(one), headers_of(one)) for one in batch]
    assert len(signed) == 5
    assert len({one.signature for one in signed}) == 1
    for one in signed:
        verify(one, public_key("debt-advice", KeyUse.MESSAGES), PayloadType.CLOUDEVENT)


def test_content_of_every_message_in_clear_opens_with_its_sealed_codes() -> None:
    opened = [open_clear(parse(b64decode(one["value"]))) for one in corpus("messages")["messages"]]
    assert any(getattr(facts, "dimension", None) == "health" for facts, _ in opened)
    assert len(opened) == len(corpus("messages")["messages"])


def test_a_special_category_shows_only_routing_attributes() -> None:
    special = [one["readable"] for one in good_messages() if one["readable"].get("category") in {"health", "criminal"}]
    assert len(special) >= 3
    coded = {"dimension", "instrument", "level", "kind", "form", "minutes", "companion", "interpreter"}
    assert all(not coded & one["data"]["facts"].keys() for one in special)


def test_the_jwe_opens_with_the_message_key_that_stands_beside_it() -> None:
    entry = corpus("messages")["jwe"]
    parts = entry["readable"]["data"]["sealed"]["jwe"].split(".")
    header, key, nonce, sealed, tag = (b64decode(part + "==", altchars=b"-_") for part in parts)
    assert json.loads(header).keys() == {"alg", "enc", "kid"}
    assert key == b""
    opened = AESGCM(bytes.fromhex(entry["message_key"])).decrypt(nonce, sealed + tag, parts[0].encode())
    assert opened.decode().rstrip(" ") == entry["content"]
    assert len(opened) % 256 == 0


@pytest.mark.parametrize("number", range(len(corpus("dead-letters")["records"])))
def test_every_dead_record_is_kept_under_the_reason_that_the_corpus_gives(number: int) -> None:
    entry = corpus("dead-letters")["records"][number]
    checked = verifier().check(raw(entry, entry["partition"]), directory(entry["trust_list"]), now())
    assert isinstance(checked, DeadLetter), entry["note"]
    assert checked.reason == entry["reason"], entry["note"]


def test_the_corpus_has_an_example_of_every_dead_letter_reason() -> None:
    shown = {one["reason"] for one in corpus("dead-letters")["records"]}
    assert set(DeadLetterReason) - shown == set()


def docket(*, trial: bool) -> Docket:
    listed = directory(1)
    if not trial:
        listed = Directory(listed.listed.model_copy(update={"trial": False}), listed.digest)
    (seed,) = [one["seed"] for one in actors()["keys"] if (one["unit"], one["use"]) == (HUB, KeyUse.MESSAGES)]
    voice = HubVoice(actors()["programme"], SigningKey(bytes.fromhex(seed), unit=HUB, use=KeyUse.MESSAGES))
    programme = Programme(listed, roots(), voice)
    head = Head(shard=0, position=0, epoch=1, generation=1, last_at=now())
    key = RecordKey(actors()["subject"])
    return Docket(programme, head=head, at=now(), files={key: CaseFile.empty(key)}, known={}, parked={})


def test_the_hub_decides_the_conversation_as_the_corpus_says() -> None:
    steps = corpus("conversation")["steps"]
    together = docket(trial=True)
    for step in steps:
        judge = together if step.get("trial", True) else docket(trial=False)
        checked = verifier().check(raw(step, step["partition"]["4"]), directory(1), now())
        assert isinstance(checked, Verified), step["why"]
        assert judge.decide(checked) == step["expected"], step["why"]
    events = together.commit(()).events
    (conflict,) = [
        one for one in events if isinstance(one, MessageRefused) and one.code is RefusalCode.SEQUENCE_CONFLICT
    ]
    assert conflict.last_sequence == 2


def test_the_conversation_shows_every_refusal_that_a_unit_can_earn() -> None:
    shown = {one["expected"] for one in corpus("conversation")["steps"]}
    operators = {RefusalCode.UNTRUSTED_LIST, RefusalCode.OPERATOR_REFUSED}
    assert set(RefusalCode) - shown == operators


def records() -> list[FeedRecord]:
    return [read(b64decode(one["value"])) for one in corpus("feed")["records"]]


def test_the_feed_verifies_with_the_hubs_keys_and_messages_with_their_authors() -> None:
    for record in records():
        known = directory(1).key(record.signed.key_id)
        assert known is not None
        verify(record.signed, known[1], record.payload_type)
        if record.message is not None:
            verify(record.message, public_key("debt-advice", KeyUse.MESSAGES), PayloadType.CLOUDEVENT)


def test_receipts_name_their_message_and_say_what_became_of_it() -> None:
    receipts = [document(one.signed, Receipt) for one in records() if one.kind == "receipt"]
    assert [one.code for one in receipts] == [None, RefusalCode.NO_GROUND, RefusalCode.SEQUENCE_CONFLICT, None]
    assert receipts[2].last_sequence == 7
    assert receipts[0] == receipts[3], "a receipt under a tree says the same as one signed alone"


def test_the_chain_holds_over_a_withheld_slot_up_to_the_head() -> None:
    chain = corpus("feed")["chain"]
    slots = [(document(one.signed, Delivery), one.message) for one in records() if one.kind == "delivery"]
    link = bytes.fromhex(chain["first_link"])
    for slot, message in slots[:3]:
        digest = bytes.fromhex(slot.digest)
        link = next_link(
            link, recipient=UnitId(chain["recipient"]), sequence=slot.sequence, position=slot.position, digest=digest
        )
        assert slot.link == link.hex()
        assert (message is None) == (slot.verdict == "withheld")
        assert message is None or message.digest == digest
    assert [slot.verdict for slot, _ in slots] == ["given", "withheld", "given", "given"]
    (head,) = [document(one.signed, FeedHead) for one in records() if one.kind == "head"]
    assert (head.sequence, head.link) == (3, link.hex())
    assert [slot.link for slot, _ in slots] == [*chain["links"], chain["links"][0]]


def test_an_envelope_of_the_corpus_is_dsse_to_standard_tools() -> None:
    for record in corpus("feed")["records"]:
        envelope = json.loads(b64decode(record["value"]))[record["kind"]]
        signed, _ = from_envelope(json.dumps(envelope).encode())
        assert json.loads(b64decode(envelope["payload"])) == record["readable"]
        assert signed.payload == b64decode(envelope["payload"])


def test_murmur2_and_partitions_are_as_tabled() -> None:
    for row in corpus("partitions")["table"]:
        assert murmur2(row["key"].encode()) == row["murmur2"]
        for count, partition in row["partition"].items():
            assert partition_of(row["key"], int(count)) == partition


def test_a_witness_takes_the_ledger_s_announcements_as_the_corpus_says() -> None:
    told = corpus("ledger")
    keys, last, seen = [parse_key(told["log"])], None, dict[int, bytes]()
    for one in told["announcements"]:
        try:
            verdict = judge(read_announcement(one["value"].encode()), keys=keys, last=last, seen=seen.get)
        except AnnouncementError:
            assert one["is"] == "unproven", one["why"]
            continue
        assert type(verdict).__name__.lower() == one["is"], one["why"]
        if isinstance(verdict, Grown):
            last = verdict.head
            seen[last.size] = last.root
    assert last is not None
    assert last.size == len(told["entries"])
    assert {one["is"] for one in told["announcements"]} == {
        "grown", "same", "past", "behind", "forked", "rewound", "unproven",
    }  # fmt: skip


def test_the_ledger_of_the_corpus_is_the_tree_that_another_implementation_grows() -> None:
    told = corpus("ledger")
    tree = InmemoryTree(algorithm="sha256")
    sizes = {}
    for one in told["entries"]:
        entry = bytes.fromhex(one["entry"])
        assert entry == one["index"].to_bytes(8, "big") + bytes.fromhex(one["digest"])
        tree.append_entry(entry)
        assert tree.get_leaf(one["index"] + 1).hex() == one["leaf"]
        sizes[one["index"] + 1] = tree.get_root()
    true = [one["value"] for one in told["announcements"] if one["is"] in ("grown", "same", "past", "behind")]
    for value in true:
        _, head, _ = read_announcement(value.encode()).checked()
        assert head.root == sizes[head.size]


def test_what_the_witness_of_the_corpus_says_is_its_cosignature_over_that_checkpoint() -> None:
    told = corpus("ledger")
    for one in told["sightings"]:
        said = read_sighting(one["value"].encode())
        text = Checkpoint(said.origin, said.size, said.root_hash).text
        signature = said.signature(text)
        assert signature is not None
        assert parse_key(told["witness"]).holds(text, signature.signature), one["why"]


def test_the_proof_of_the_corpus_holds_under_a_policy_that_names_its_keys() -> None:
    told = corpus("ledger")
    proof = proof_file.parse(told["proof"]["text"])
    trusted = policy.parse(f"log {told['log']}\nwitness unit {told['witness']}\nquorum unit\n")
    leaf = bytes.fromhex(told["entries"][proof.index]["leaf"])
    assert proof.verify(leaf, trusted, origin=told["origin"]).size == 7


def opened_by_hpke(one: Document) -> bytes:
    """What HPKE itself makes of it, by the private key as the corpus gives it."""
    private = b64decode(one["opens_with"]["private_key"])
    elliptic = X25519PrivateKey.from_private_bytes(private[-32:])
    if len(private) == 32:
        suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
        return suite.decrypt(b64decode(one["sealed"]), elliptic, info=bytes.fromhex(one["info"]))
    hybrid = hpke.MLKEM768X25519PrivateKey(MLKEM768PrivateKey.from_seed_bytes(private[:64]), elliptic)
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    return suite.decrypt(b64decode(one["sealed"]), hybrid, info=bytes.fromhex(one["info"]))


@pytest.mark.parametrize("number", range(6))
def test_a_key_that_travels_opens_with_hpke_alone_and_stands_where_it_is_said_to(number: int) -> None:
    one = corpus("sealing")["sealed"][number]
    assert opened_by_hpke(one) == bytes.fromhex(one["opened"])
    if one["form"] == "deposit":
        assert json.loads(one["header"])["shares"] == [{"to": one["opens_with"]["key_id"], "sealed": one["sealed"]}]
        assert sha256(one["header"].encode()).hexdigest() == one["deposit_hash"]
        return
    record = read(b64decode(one["value"]))
    named = corpus("sealing")["releases_key"]
    verify(record.signed, VerifyingKey(b64decode(named["public_key"]), KeyId(named["key_id"])), record.payload_type)
    assert document(record.signed, Release).model_dump(mode="json", exclude_none=True) == one["readable"]


def test_the_keys_of_the_corpus_open_its_sealed_message() -> None:
    message = parse(b64decode(corpus("messages")["jwe"]["value"]))
    for one in corpus("sealing")["sealed"]:
        secret = bytes.fromhex(one["opened"])
        opened = (
            open_with_message_key(message, secret)
            if one["form"] == "message-key"
            else open_content(message, ContentKey(secret))
        )
        assert open_clear(opened)[1] == NeedContent(finding="Dluží nájem.")

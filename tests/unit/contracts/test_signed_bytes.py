"""Every message verifies alone, whether it was signed alone or in a batch."""

from dataclasses import replace
from hashlib import sha256
from threading import Thread

import pytest

from contracts.keys import KeyUse, KeyUseError, SigningKey, VerifyingKey
from contracts.merkle import all_inclusion_paths
from contracts.names import UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import (
    MAX_BATCH,
    BatchProof,
    BatchRoots,
    SignatureError,
    SignatureFault,
    SignedBytes,
    sign_batch,
    sign_one,
    sign_together,
    verify,
)

KEY = SigningKey(b"\x01" * 32, unit=UnitId("advice"), use=KeyUse.MESSAGES)
PAYLOADS = [b'{"n":%d}' % n for n in range(5)]


class CountedKey(VerifyingKey):
    """The same key, that tells how often it had to work."""

    def __init__(self, key: VerifyingKey) -> None:
        super().__init__(key.public_bytes, key.key_id)
        self.verifications = 0

    def verify(self, payload_type: str, payload: bytes, signature: bytes) -> None:
        self.verifications += 1
        super().verify(payload_type, payload, signature)


def fault(signed: SignedBytes, payload_type: PayloadType = PayloadType.CLOUDEVENT) -> SignatureFault:
    with pytest.raises(SignatureError) as caught:
        verify(signed, KEY.verifying_key, payload_type)
    return caught.value.reason


def test_a_message_signed_alone_verifies_and_names_the_digest_of_its_bytes() -> None:
    signed = sign_one(PAYLOADS[0], KEY, PayloadType.CLOUDEVENT)
    verify(signed, KEY.verifying_key, PayloadType.CLOUDEVENT)
    assert signed.digest == sha256(PAYLOADS[0]).digest()
    assert fault(replace(signed, payload=PAYLOADS[1])) is SignatureFault.FORGED


@pytest.mark.parametrize("size", [1, 2, 3, 5, 255, MAX_BATCH])
def test_each_message_of_a_batch_verifies_without_the_others(size: int) -> None:
    signed = sign_batch([b"%d" % n for n in range(size)], KEY)
    assert len({each.signature for each in signed}) == 1
    for each in signed:
        verify(each, KEY.verifying_key, PayloadType.CLOUDEVENT, roots=BatchRoots())


@pytest.mark.parametrize("size", [1, 2, 3, 5, 255, MAX_BATCH])
def test_a_batch_kept_once_proves_the_same_of_each_message(size: int) -> None:
    payloads = [b"%d" % n for n in range(size)]
    together, alone = sign_together(payloads, KEY), sign_batch(payloads, KEY)
    _, paths = all_inclusion_paths(together.leaves)
    proofs = [BatchProof(size, index, path) for index, path in enumerate(paths)]
    assert alone == [
        SignedBytes(payload, together.key_id, together.signature, proof)
        for payload, proof in zip(payloads, proofs, strict=True)
    ]


def test_an_empty_batch_signs_nothing() -> None:
    assert sign_batch([], KEY) == []
    with pytest.raises(ValueError, match="nothing"):
        sign_together([], KEY)


def test_a_batch_beyond_the_limit_is_refused_before_anyone_has_to_check_it() -> None:
    with pytest.raises(ValueError, match="at most 256"):
        sign_batch([b"x"] * (MAX_BATCH + 1), KEY)
    with pytest.raises(ValueError, match="at most 256"):
        sign_together([b"x"] * (MAX_BATCH + 1), KEY)


def test_a_full_batch_costs_one_signature_check() -> None:
    key, roots = CountedKey(KEY.verifying_key), BatchRoots()
    for each in sign_batch([b"%d" % n for n in range(MAX_BATCH)], KEY):
        verify(each, key, PayloadType.CLOUDEVENT, roots=roots)
    assert key.verifications == 1


def test_a_remembered_batch_lends_its_signature_to_no_other_message() -> None:
    roots = BatchRoots()
    signed = sign_batch(PAYLOADS, KEY)
    verify(signed[0], KEY.verifying_key, PayloadType.CLOUDEVENT, roots=roots)
    for forged in (
        replace(signed[1], payload=b"other"),
        replace(signed[1], signature=b"\x00" * 64),
        replace(signed[1], proof=signed[2].proof),
        replace(signed[1], proof=None),
    ):
        with pytest.raises(SignatureError):
            verify(forged, KEY.verifying_key, PayloadType.CLOUDEVENT, roots=roots)


def test_a_remembered_batch_of_one_key_does_not_count_for_another() -> None:
    other = SigningKey(b"\x02" * 32, unit=UnitId("advice"), use=KeyUse.MESSAGES)
    roots = BatchRoots()
    signed = sign_batch(PAYLOADS, KEY)
    verify(signed[0], KEY.verifying_key, PayloadType.CLOUDEVENT, roots=roots)
    with pytest.raises(SignatureError) as caught:
        verify(replace(signed[1], key_id=other.key_id), other.verifying_key, PayloadType.CLOUDEVENT, roots=roots)
    assert caught.value.reason is SignatureFault.FORGED


def test_the_memory_of_batches_stays_bounded_and_forgets_the_oldest() -> None:
    key, roots = CountedKey(KEY.verifying_key), BatchRoots(capacity=2)
    batches = [sign_batch([b"%d" % n], KEY)[0] for n in range(3)]
    for each in [*batches, batches[2], batches[0]]:
        verify(each, key, PayloadType.CLOUDEVENT, roots=roots)
    assert key.verifications == 4


def test_threads_share_one_memory_of_batches() -> None:
    roots, failures = BatchRoots(capacity=3), list[SignatureError]()
    signed = [each for n in range(20) for each in sign_batch([b"%d-%d" % (n, m) for m in range(4)], KEY)]

    def work() -> None:
        for each in signed:
            try:
                verify(each, KEY.verifying_key, PayloadType.CLOUDEVENT, roots=roots)
            except SignatureError as error:
                failures.append(error)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(roots._verified) == 3


@pytest.mark.parametrize("size", [0, -1, MAX_BATCH + 1, 2**64 - 1])
def test_a_claimed_batch_size_outside_the_limit_is_refused(size: int) -> None:
    signed = sign_batch(PAYLOADS, KEY)[0]
    assert fault(replace(signed, proof=BatchProof(size, 0, ()))) is SignatureFault.BAD_PROOF


def test_a_proof_of_the_wrong_length_or_place_is_refused() -> None:
    signed = sign_batch(PAYLOADS, KEY)[0]
    proof = signed.proof
    assert proof is not None
    assert fault(replace(signed, proof=replace(proof, path=proof.path[:-1]))) is SignatureFault.BAD_PROOF
    assert fault(replace(signed, proof=replace(proof, path=(*proof.path, b"\x00" * 32)))) is SignatureFault.BAD_PROOF
    assert fault(replace(signed, proof=replace(proof, index=5))) is SignatureFault.BAD_PROOF
    assert fault(replace(signed, proof=replace(proof, index=1))) is SignatureFault.FORGED


def test_a_tree_of_another_size_with_the_same_root_is_another_batch() -> None:
    first = sign_batch([b"a", b"b", b"c", b"d"], KEY)[0]
    assert first.proof is not None
    assert fault(replace(first, proof=replace(first.proof, size=3))) is SignatureFault.FORGED


def test_no_signature_is_checked_with_another_key_than_it_names() -> None:
    other = SigningKey.generate(UnitId("advice"), KeyUse.MESSAGES)
    assert fault(sign_one(b"x", other, PayloadType.CLOUDEVENT)) is SignatureFault.NOT_THIS_KEY


def test_a_unit_cannot_sign_a_receipt_for_itself_not_even_in_a_batch() -> None:
    with pytest.raises(KeyUseError):
        sign_one(b"accepted", KEY, PayloadType.RECEIPT)
    assert fault(sign_batch([b"accepted"], KEY)[0], PayloadType.RECEIPT) is SignatureFault.WRONG_USE


def test_receipts_and_deliveries_of_one_transaction_share_a_tree() -> None:
    key = SigningKey.generate(UnitId("hub"), KeyUse.DELIVERIES)
    receipt, delivery = sign_batch([b"receipt", b"delivery"], key)
    assert receipt.signature == delivery.signature
    verify(receipt, key.verifying_key, PayloadType.RECEIPT)
    verify(delivery, key.verifying_key, PayloadType.DELIVERY)


def test_a_trust_list_key_signs_no_batches() -> None:
    with pytest.raises(KeyUseError):
        sign_batch([b"x"], SigningKey.generate(UnitId("hub"), KeyUse.DIRECTORY))

"""The published cases of signed notes, checkpoints, cosignatures, tiles and proofs: the same bytes and the same verdict in each."""

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from contracts.ledger import checkpoint, policy, proof_file, signed_note
from contracts.ledger.checkpoint import Checkpoint, CheckpointError
from contracts.ledger.frontier import Frontier
from contracts.ledger.policy import PolicyError
from contracts.ledger.signed_note import Note, NoteError, NoteKey, NoteSignature, NoteSigner, SignatureType
from contracts.ledger.tiles import Tile, TiledTree, bundle, entries_in, tiles_of
from contracts.merkle import ProofError, leaf_hash, verify_consistency, verify_inclusion


def read(shared_material: Path, name: str) -> Any:  # noqa: ANN401  JSON of others
    return json.loads((shared_material / "vectors" / f"{name}.json").read_text(encoding="utf-8"))


class TestSignedNotes:
    def test_published_notes_verify_and_are_written_again_to_the_byte(self, shared_material: Path) -> None:
        for case in read(shared_material, "signed_note")["valid"]:
            key, note = signed_note.parse_key(case["vkey"]), signed_note.parse(case["note"])
            assert [found for found, _ in signed_note.verified(note, [key])] == [key]
            assert (note.text, note.document, key.text) == (case["text"], case["note"], case["vkey"])

    def test_a_published_private_key_signs_to_the_published_bytes(self, shared_material: Path) -> None:
        first, second, _ = read(shared_material, "signed_note")["valid"]
        seed = b64decode(first["skey"].split("+", 4)[4])[1:]
        signers = [NoteSigner("PeterNeumann", seed), NoteSigner("EnochRoot", bytes.fromhex(second["skey_seed_hex"]))]
        assert signed_note.sign(first["text"], signers[:1]).document == first["note"]
        assert signed_note.sign(second["text"], signers).document == second["note"]

    def test_malformed_keys_and_notes_are_refused(self, shared_material: Path) -> None:
        vectors = read(shared_material, "signed_note")
        for text in vectors["bad_vkeys"]:
            with pytest.raises(NoteError):
                signed_note.parse_key(text)
        for text in vectors["malformed_notes"]:
            with pytest.raises(NoteError):
                signed_note.parse(text)

    def test_a_known_key_whose_signature_does_not_hold_rejects_the_note(self, shared_material: Path) -> None:
        vectors = read(shared_material, "signed_note")
        key = signed_note.parse_key(vectors["valid"][0]["vkey"])
        with pytest.raises(NoteError, match="does not hold"):
            signed_note.verified(signed_note.parse(vectors["invalid_signature_note"]), [key])

    def test_a_note_of_strangers_is_rejected(self, shared_material: Path) -> None:
        cases = read(shared_material, "signed_note")["valid"]
        with pytest.raises(NoteError, match="no signature"):
            signed_note.verified(signed_note.parse(cases[0]["note"]), [signed_note.parse_key(cases[2]["vkey"])])


class TestCheckpoints:
    def test_published_checkpoints_are_written_to_the_byte(self, shared_material: Path) -> None:
        for case in read(shared_material, "checkpoint")["marshal"]:
            assert Checkpoint(case["origin"], case["size"], case["hash_utf8"].encode()).text == case["want"]
            assert checkpoint.parse(case["want"]).text == case["want"]

    def test_what_is_no_checkpoint_is_refused(self, shared_material: Path) -> None:
        for text in read(shared_material, "checkpoint")["unmarshal_bad"]:
            with pytest.raises(CheckpointError):
                checkpoint.parse(text)

    def test_a_published_signed_checkpoint_is_signed_to_the_byte(self, shared_material: Path) -> None:
        (case,) = read(shared_material, "checkpoint")["signed"]
        note = signed_note.parse(case["note"])
        signer = NoteSigner(checkpoint.parse(note.text).origin, bytes.fromhex(case["ed25519_seed_hex"]))
        assert signed_note.sign(note.text, [signer]).document == case["note"]


class TestCosignatures:
    def test_a_published_cosignature_makes_a_checkpoint_acceptable(self, shared_material: Path) -> None:
        (case,) = read(shared_material, "cosignature_v1")["verify"]
        head = Checkpoint(case["origin"], case["size"], bytes.fromhex(case["root_hash_hex"]))
        log = NoteKey(case["origin"], SignatureType.ED25519, bytes.fromhex(case["log_public_key_hex"]))
        witness = NoteKey("witness", SignatureType.COSIGNATURE, bytes.fromhex(case["witness_public_key_hex"]))
        stamp = case["cosignature_timestamp"].to_bytes(8, "big")
        signatures = (
            NoteSignature(log.name, log.key_hash, bytes.fromhex(case["log_signature_hex"])),
            NoteSignature(witness.name, witness.key_hash, stamp + bytes.fromhex(case["cosignature_hex"])),
        )
        trusted = policy.parse(f"log {log.text}\nwitness W {witness.text}\nquorum W\n")
        assert trusted.accept(Note(head.text, signatures)) == head
        assert signed_note.cosigned_at(signatures[1]) == case["cosignature_timestamp"]
        with pytest.raises(PolicyError, match="too few witnesses"):
            trusted.accept(Note(head.text, signatures[:1]))
        later = NoteSignature(witness.name, witness.key_hash, (1).to_bytes(8, "big") + signatures[1].signature[8:])
        with pytest.raises(NoteError, match="does not hold"):
            trusted.accept(Note(head.text, (signatures[0], later)))

    def test_what_a_cosignature_signs_and_how_keys_are_written(self, shared_material: Path) -> None:
        vectors = read(shared_material, "cosignature_v1")
        for case in vectors["cosigned_message_format"]:
            assert signed_note.cosigned(case["checkpoint_body"], case["timestamp"]).decode() == case["want"]
        for case in vectors["vkeys"]:
            key = signed_note.parse_key(case["vkey"])
            assert (key.type, key.text) == (case["type"], case["vkey"])
        for case in vectors["timestamp_from_signature"]:
            raw = b64decode(case["base64"])
            assert signed_note.cosigned_at(NoteSignature("w", raw[:4], raw[4:])) == case["unix"]


class TestTiles:
    def test_the_published_log_is_made_again_at_each_size(self, shared_material: Path) -> None:
        vectors = read(shared_material, "tlog_tiles_log")
        entries = [text.encode() for text in vectors["entries_utf8"]]
        key = signed_note.parse_key(vectors["vkey"])
        signer = NoteSigner(key.name, b64decode(vectors["skey"].split("+", 4)[4])[1:])
        for size, document in vectors["checkpoints"].items():
            leaves = [leaf_hash(entry) for entry in entries[: int(size)]]
            tree = Frontier().extended(leaves)
            head = Checkpoint(key.name, int(size), tree.root)
            assert signed_note.sign(head.text, [signer]).document == document
            if int(size):
                assert b"".join(leaves).hex() == vectors["tile_0_000_p_hex"][size]
                assert bundle(entries[: int(size)]).hex() == vectors["entry_bundle_000_p_hex"][size]
                assert entries_in(bytes.fromhex(vectors["entry_bundle_000_p_hex"][size])) == entries[: int(size)]

    def test_proofs_made_of_published_tiles_hold_under_published_checkpoints(self, shared_material: Path) -> None:
        vectors = read(shared_material, "tlog_tiles_log")
        heads = {
            int(size): checkpoint.parse(signed_note.parse(text).text) for size, text in vectors["checkpoints"].items()
        }

        def tile(place: Tile) -> bytes:
            return bytes.fromhex(vectors["tile_0_000_p_hex"][str(place.width)])

        for size in range(1, 16):
            tree = TiledTree(size, tile)
            assert tree.root == heads[size].root
            for index in range(size):
                verify_inclusion(tree.leaf(index), heads[size].root, index=index, size=size, path=tree.inclusion(index))
            for first in range(1, size + 1):
                verify_consistency(
                    first=first,
                    second=size,
                    first_root=heads[first].root,
                    second_root=heads[size].root,
                    path=tree.consistency(first),
                )

    def test_the_tiles_of_the_specifications_example(self) -> None:
        tiles = list(tiles_of(70_000))
        by_level = {level: [one for one in tiles if one.level == level] for level in range(3)}
        assert [len(by_level[level]) for level in range(3)] == [274, 2, 1]
        assert [by_level[level][-1].width for level in range(3)] == [112, 17, 1]
        assert Tile(0, 1_234_067).path == "tile/0/x001/x234/067"
        assert Tile(1, 0, 17).path == "tile/1/000.p/17"


class TestProofFiles:
    def test_published_proofs_are_written_and_read_again_to_the_byte(self, shared_material: Path) -> None:
        for case in read(shared_material, "tlog_proof")["marshal"]:
            path = tuple(sha256(one.encode()).digest() for one in case["hash_preimages"])
            extra = case.get("extra_utf8")
            made = proof_file.ProofFile(case["index"], path, case["checkpoint"], extra and extra.encode())
            assert made.text == case["want"]
            assert proof_file.parse(case["want"]) == made

    def test_what_is_no_proof_is_refused(self, shared_material: Path) -> None:
        for text in read(shared_material, "tlog_proof")["bad"]:
            with pytest.raises(ProofError):
                proof_file.parse(text)

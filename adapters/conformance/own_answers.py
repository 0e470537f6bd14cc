"""Our own contracts answer the questions of `spojka-conformance vectors`: an example to compare with (`spojka-conformance answer`)."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import IO, Any

from adapters.conformance.chain import Chain
from contracts import strict_json
from contracts.codes import DeadLetterReason
from contracts.envelope import Attributes, EnvelopeError, MessageError, parse, parse_attributes
from contracts.errors import ContractsError
from contracts.golden_corpus import actors
from contracts.golden_corpus.messages import key_of
from contracts.golden_corpus.written import base64
from contracts.kafka_record import RecordError, RecordFault, from_record
from contracts.keys import KeyUse, SignatureError, SigningKey, VerifyingKey, parse_key_id
from contracts.names import HUB, KeyId, UnitId
from contracts.pae import PayloadType
from contracts.partition import partition_of
from contracts.sealing.content_key import ContentKey, message_key_for
from contracts.sealing.jwe import open_sealed
from contracts.sealing.suites import EncryptionKeyError, OpeningKey, SuiteId
from contracts.signed_bytes import SignedBytes, sign_batch, verify
from contracts.trust_list import Directory, TrustListError, read_envelope, read_trust_list

Asked = Mapping[str, Any]
Answered = dict[str, Any]
_REFUSED: Answered = {"verdict": "refused"}
_RENAMED = {
    RecordFault.NOT_STRUCTURED_CLOUDEVENT: DeadLetterReason.NOT_AN_ENVELOPE,
    RecordFault.OTHER_CONTENT_TYPE: DeadLetterReason.NOT_AN_ENVELOPE,
}


class OwnAnswers:
    """Remembers the trust list and how far the feed went."""

    def __init__(self) -> None:
        self._directory: Directory | None = None
        self._chain: Chain | None = None
        self._asks: Mapping[str, Callable[[Asked], Answered]] = {
            "partition": lambda one: {"partition": partition_of(b64decode(one["key"]), one["count"])},
            "sign": _sign,
            "batch": _batch,
            "json": _json,
            "first-list": self._first_list,
            "list": self._list,
            "feed-record": self._feed_record,
            "record": _record,
            "key-id": lambda one: {"key_id": ContentKey(b64decode(one["key"])).key_id},
            "message-key": lambda one: {
                "key": base64(message_key_for(ContentKey(b64decode(one["key"])), *one["bound"]))
            },
            "open-key": _open_key,
            "open-content": _open_content,
        }

    def answer_all(self, lines: IO[str], out: IO[str]) -> None:
        """Answer line by line until the input ends."""
        for line in lines:
            asked = json.loads(line)
            answer = self._asks.get(asked["ask"], _unsupported)(asked)
            out.write(json.dumps({"case": asked["case"], **answer}) + "\n")
            out.flush()

    def _first_list(self, asked: Asked) -> Answered:
        root = actors.key(HUB, KeyUse.DIRECTORY)
        return self._taken(asked, roots={root.key_id: root.verifying_key}, recipient=asked["recipient"])

    def _list(self, asked: Asked) -> Answered:
        return self._taken(asked, roots={})

    def _taken(self, asked: Asked, *, roots: Mapping[KeyId, VerifyingKey], recipient: str | None = None) -> Answered:
        envelope = b64decode(asked["envelope"])
        try:
            self._directory = read_envelope(envelope, before=self._directory, roots=roots, at=actors.NOW)
        except (TrustListError, ContractsError):
            return _REFUSED
        if recipient is not None:
            self._chain = Chain(self._directory.listed.programme, UnitId(recipient))
        return {"verdict": "taken"}

    def _feed_record(self, asked: Asked) -> Answered:
        if self._chain is None or self._directory is None:
            return _REFUSED
        # The corpus shows receipts of the author and slots of the recipient in one file.
        value = b64decode(asked["value"])
        judged = self._chain.judge(value, self._directory)
        if judged.fault == "a receipt for another source":
            return {"verdict": "receipt"}
        return {"verdict": judged.verdict}


def _unsupported(_: Asked) -> Answered:
    return {"unsupported": True}


def _sign(asked: Asked) -> Answered:
    key = SigningKey(bytes.fromhex(asked["seed"]), unit=actors.ADVICE, use=KeyUse.MESSAGES)
    return {"signature": base64(key.sign(asked["type"], b64decode(asked["value"])))}


def _batch(asked: Asked) -> Answered:
    key = SigningKey(bytes.fromhex(asked["seed"]), unit=actors.ADVICE, use=KeyUse.MESSAGES)
    signed = sign_batch([b64decode(one) for one in asked["values"]], key)
    paths = [() if one.proof is None else one.proof.path for one in signed]
    return {"signature": base64(signed[0].signature), "proofs": [base64(b"".join(path)) for path in paths]}


def _json(asked: Asked) -> Answered:
    try:
        strict_json.parse(b64decode(asked["value"]))
    except strict_json.StrictJsonError:
        return _REFUSED
    return {"verdict": "good"}


def _open_key(asked: Asked) -> Answered:
    try:
        opening = OpeningKey(b64decode(asked["private_key"]), unit=HUB, suite=SuiteId(asked["suite"]))
        opened = opening.open(b64decode(asked["sealed"]), b64decode(asked["info"]))
    except EncryptionKeyError:
        return _REFUSED
    return {"verdict": "good", "opened": base64(opened)}


def _open_content(asked: Asked) -> Answered:
    try:
        return {"verdict": "good", "content": strict_json.parse(open_sealed(asked["jwe"], b64decode(asked["key"])))}
    except ContractsError:
        return _REFUSED


def _record(asked: Asked) -> Answered:
    reason = _dead(asked)
    return {"verdict": "good"} if reason is None else {"verdict": "refused", "reason": reason}


def _dead(asked: Asked) -> DeadLetterReason | None:
    """The checks in DESIGN's order; the first that fails names the reason."""
    value = asked.get("value")
    raw = (
        b64decode(value["byte"]) * value["times"]
        if isinstance(value, dict)
        else None
        if value is None
        else b64decode(value)
    )
    headers = [(one["name"], b64decode(one["value"])) for one in asked["headers"]]
    try:
        signed = from_record(raw, headers)
    except RecordError as error:
        return _RENAMED.get(error.reason) or DeadLetterReason(error.reason.value)
    try:
        attributes, _ = parse_attributes(signed.payload)
        parse(signed.payload)
    except EnvelopeError:
        return DeadLetterReason.INVALID_ENVELOPE
    except MessageError:
        pass  # it speaks for its author, and is refused by a receipt
    return _unsigned(signed, attributes, asked) or _misplaced(signed, asked)


def _unsigned(signed: SignedBytes, attributes: Attributes, asked: Asked) -> DeadLetterReason | None:
    directory = _list_of(asked["trust_list"])
    known, name = directory.key(signed.key_id), parse_key_id(signed.key_id)
    if known is None or name.use is not KeyUse.MESSAGES:
        return DeadLetterReason.UNKNOWN_KEY
    if not known[0].valid(datetime.fromisoformat(asked["now"])):
        return DeadLetterReason.REVOKED_KEY
    try:
        verify(signed, known[1], PayloadType.CLOUDEVENT)
    except SignatureError:
        return DeadLetterReason.BAD_SIGNATURE
    return None if name.unit == attributes.unit else DeadLetterReason.SOURCE_NOT_OWNER


def _misplaced(signed: SignedBytes, asked: Asked) -> DeadLetterReason | None:
    key = b64decode(asked["key"])
    if key != key_of(signed.payload).encode():
        return DeadLetterReason.WRONG_KEY
    right = partition_of(key, actors.PARTITIONS) == asked["partition"]
    return None if right else DeadLetterReason.WRONG_PARTITION


def _list_of(version: int) -> Directory:
    root = actors.key(HUB, KeyUse.DIRECTORY)
    before: Directory | None = None
    for number in range(1, version + 1):
        signed = actors.trust_list(number)[1]
        before = read_trust_list(signed, before=before, roots={root.key_id: root.verifying_key}, at=actors.NOW)
    assert before is not None  # noqa: S101 - versions count from 1
    return before

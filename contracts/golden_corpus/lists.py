"""The programme of the corpus: its keys with their private seeds, and both versions of the trust list."""

from contracts.dsse import to_envelope
from contracts.golden_corpus.actors import NOW, PARTITIONS, PROGRAMME, SUBJECT, keys_document, trust_list
from contracts.golden_corpus.written import base64, readable
from contracts.pae import PayloadType


def document() -> dict[str, object]:
    """`actors.json`."""
    return {
        "about": "Public test keys: never admit them. Everything is judged at `now`; root key and version 1 are known from enrolment.",
        "programme": PROGRAMME,
        "now": NOW.isoformat(),
        "partitions": PARTITIONS,
        "subject": SUBJECT,
        "keys": keys_document(),
        "trust_lists": [_listed(version) for version in (1, 2)],
    }


def _listed(version: int) -> dict[str, object]:
    signed = trust_list(version)[1]
    envelope = to_envelope(signed, PayloadType.TRUST_LIST)
    return {
        "version": version,
        "digest": signed.digest.hex(),
        "envelope": base64(envelope),
        "readable": readable(signed.payload),
    }

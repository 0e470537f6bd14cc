"""DSSE's pre-authentication encoding: the bytes that are really signed.

Invariants: the encoding is injective, so no signature over one type verifies for another; lengths count bytes, in
decimal ASCII (DSSE v1.0.2, protocol). The type is always the verifier's expectation, never read from what is
verified.
"""

from enum import StrEnum
from functools import lru_cache


class PayloadType(StrEnum):
    """What a signature of ours may be about (STANDARDS, names and limits)."""

    CLOUDEVENT = "application/cloudevents+json"
    BATCH = "application/vnd.spojka.batch"
    RECEIPT = "application/vnd.spojka.receipt"
    DELIVERY = "application/vnd.spojka.delivery"
    FEED_HEAD = "application/vnd.spojka.feed-head"
    RELEASE = "application/vnd.spojka.release"
    TRUST_LIST = "application/vnd.spojka.trust-list"
    POSSESSION = "application/vnd.spojka.possession"


def pae(payload_type: str, body: bytes) -> bytes:
    """`DSSEv1` SP length SP type SP length SP body, over the exact bytes of the body."""
    return b"%b%d %b" % (_prefix(payload_type), len(body), body)


@lru_cache(maxsize=64)
def _prefix(payload_type: str) -> bytes:
    name = payload_type.encode()
    return b"DSSEv1 %d %b " % (len(name), name)

"""Writing one's own unsigned or refused message again with other attributes: its number, its id, its subject.

Invariant: the result was checked as a whole by the catalogue; what was ever accepted is never written again.
"""

from collections.abc import Mapping

from contracts import strict_json
from contracts.envelope import parse


def restamp(payload: bytes, **attributes: str | int) -> bytes:
    """The same message with these attributes set. Raises what `contracts.envelope.parse` raises."""
    raw = strict_json.canonical({**strict_json.parse(payload), **attributes})
    parse(raw)
    return raw


def rename(payload: bytes, ids: Mapping[str, str]) -> bytes:
    """Every mention of the old ids replaced by the new ones; an id is a UUID and stands for nothing else."""
    text = payload.decode()
    for old, new in ids.items():
        text = text.replace(old, new)
    return text.encode()

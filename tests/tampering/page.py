"""`python -m tests.tampering.page` writes `hub/audit/tampering.md` from what the commands answer; a test keeps it current."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.tampering.deeds import DEEDS, HOLDS, Deed, Found

PAGE = Path(__file__).resolve().parents[2] / "hub" / "audit" / "tampering.md"
_HEAD = """# Who finds what was tampered with, and how

Made by a test, which does each of these things to a log and runs the commands: `python -m tests.tampering.page` writes it again.

*holds* means that this command alone cannot find it: then somebody is needed who saw the ledger before, or from elsewhere. Every adapter
holds receipts with the leaf hashes of its own messages, so a unit misses what was left out of its own.

| what was done | by whom | found by | commands, and what they say |
|---|---|---|---|
"""


def answers(deed: Deed) -> Sequence[Found]:
    """Do it in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return deed.do(Path(folder))


def page(answered: Sequence[tuple[Deed, Sequence[Found]]]) -> str:
    """The whole page."""
    return _HEAD + "".join(_row(deed, found) for deed, found in answered)


def _row(deed: Deed, found: Sequence[Found]) -> str:
    said = "; ".join(f"`{one.command}`: {_codes(one)}" for one in found)
    return f"| {deed.what} | {deed.by} | {deed.found_by} | {said} |\n"


def _codes(found: Found) -> str:
    return ", ".join("*holds*" if one == HOLDS else one for one in found.codes)


if __name__ == "__main__":
    PAGE.write_text(page([(deed, answers(deed)) for deed in DEEDS]), encoding="utf-8")
    sys.stdout.write(f"{PAGE} is written.\n")

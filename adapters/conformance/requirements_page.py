"""The requirements as a page for vendors: `contracts/conformance.md`."""

from typing import Final

from adapters.conformance.requirements import Requirement, Side, of_side

_HEADER: Final = """# Conformance requirements

Written by `python -m deploy.publish_contracts` from the code: do not edit. `spojka-conformance` reports under these ids;
`adapters/conformance/README.md` tells how to run it. MUST and SHOULD are those of RFC 2119. DESIGN and STANDARDS are the project's documents of
that name; what they say of bytes stands in `contracts/` too.

The kit plays a programme on trial, where content is in clear; with `--sealed` one that is not. SEAL, KEY, OPEN, ERASE and WIT (of units that offer a
witness key) are asked there only; so are HUB-17 to HUB-23 of a hub whose trust list says that its programme is not on trial. How content is sealed,
keys deposited and released: `contracts/sealing.md`, with bytes to try it on in `contracts/golden/sealing.json`.
"""
_TITLES: Final = {
    Side.ADAPTER: "An adapter (`spojka-conformance adapter`)",
    Side.HUB: "A hub (`spojka-conformance hub`)",
    Side.BYTES: "Bytes, without a broker (`spojka-conformance vectors`)",
}


def page() -> str:
    """The page in Markdown."""
    parts = [_HEADER]
    for side, title in _TITLES.items():
        rows = "\n".join(_row(one) for one in of_side(side))
        parts.append(f"## {title}\n\n| id | level | requirement | reference |\n|---|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _row(one: Requirement) -> str:
    return f"| {one.id} | {one.level} | {one.text} | {one.reference} |"

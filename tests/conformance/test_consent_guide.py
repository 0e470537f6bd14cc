"""What we export has the shape of the JSON blocks in DPV's guide to ISO/IEC TS 27560.

Six blocks repeat a member, which JSON readers resolve by keeping the last: here a repeated member is read as a list, which
is what the guide means. Some of its terms are not in DPV 2.3; shapes are compared, not terms.
"""

import json
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from contracts.categories import Category, Purpose
from contracts.consent_record import (
    ConsentReceipt,
    ConsentRecord,
    ConsentState,
    LegalBasis,
    Notice,
    Process,
    StatusEvent,
    Storage,
    to_jsonld,
)
from contracts.consent_record.jsonld import Node
from contracts.grants import Recipient
from contracts.names import GroundId, InstitutionId, MessageId, ProgrammeId, SubjectId, UnitId

Shapes = dict[str, set[str]]
"""For each member: the kinds of value that it was seen with, `node` with the node's type beside it."""
Places = set[tuple[str, str]]
"""A member and the type of a node in which it was seen."""

OUR_KINDS: Final = {
    "dpv:hasRight": {"iri"},  # the guide describes each right in a node; DPV's own term says the same
    "dpv:hasDuration": {"node dpv:IndeterminateDuration"},  # the guide has no block for a state without an end
}
OUR_PLACES: Final = {
    ("dpv:Process", "dpv:hasDuration"),  # each grant has an end of its own
    ("dpv:ConsentRecord", "dpv:hasIdentifier"),  # beside dct:identifier, as the guide does in receipts
    ("dpv:ConsentRecord", "dct:publisher"),  # the collector, as the guide names a receipt's publisher
}
NOT_IN_THE_GUIDE: Final = {
    "dpv:hasDataSource",
    "schema:sha256",
    "spojka:category",
    "spojka:historyFrom",
    "spojka:paper",
}
NOT_EMITTED: Final = {
    "dct:coverage",  # a notice is valid until its next version
    "dct:title",
    "dpv:hasApplicableLaw",  # the guide's eu-gdpr:GDPR is not in DPV 2.3; conformsTo names the law
    "dpv:hasDataProcessor",  # units are controllers
    "skos:broader",
}
WHOLE_RECEIPT: Final = "089-valid.json"


def repeated_as_list(pairs: list[tuple[str, Any]]) -> Node:
    counts = Counter(name for name, _ in pairs)
    merged: Node = {}
    for name, value in pairs:
        if counts[name] == 1:
            merged[name] = value
        else:
            merged.setdefault(name, []).extend(value if isinstance(value, list) else [value])
    return merged


def kind(value: str) -> str:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}(T.*)?", value):
        return "time"
    if re.fullmatch(r"P\d+[YMWD]", value):
        return "period"
    return "iri" if re.fullmatch(r"[a-z][a-z-]*:\S+", value) else "text"


def kinds(value: Any) -> set[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return set[str]().union(*map(kinds, value))
    if isinstance(value, dict):
        types = value.get("@type", [])
        return {"node", *(f"node {one}" for one in ([types] if isinstance(types, str) else types))}
    return {kind(str(value))}


def shapes(value: Any, found: Shapes | None = None) -> Shapes:  # noqa: ANN401 - any JSON value
    found = defaultdict(set) if found is None else found
    if isinstance(value, list):
        for one in value:
            shapes(one, found)
    elif isinstance(value, dict):
        for name, member in value.items():
            if ":" in name:
                found[name] |= kinds(member)
            shapes(member, found)
    return found


def places(value: Any) -> Places:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return Places().union(*map(places, value))
    if not isinstance(value, dict):
        return set()
    types = value.get("@type", [])
    here = {(one, name) for one in ([types] if isinstance(types, str) else types) for name in value if ":" in name}
    return here.union(*map(places, value.values()))


@pytest.fixture(scope="module")
def blocks(shared_material: Path) -> dict[str, Node]:
    paths = sorted((shared_material / "data/consent/dpv/guide-27560-blocks").glob("*-valid.json"))
    return {p.name: json.loads(p.read_text(encoding="utf-8"), object_pairs_hook=repeated_as_list) for p in paths}


@pytest.fixture(scope="module")
def guide(blocks: dict[str, Node]) -> Shapes:
    return shapes(list(blocks.values()))


@pytest.fixture(scope="module")
def ours() -> Node:
    start, end = datetime(2026, 2, 9, tzinfo=UTC), datetime(2027, 1, 31, tzinfo=UTC)
    record = ConsentRecord(
        record_id=GroundId("0198e5f0-7a3c-7c11-8d5e-2b7f9a1c3d4e"),
        programme=ProgrammeId("decin"),
        subject=SubjectId("r1." + "b" * 26),
        collector=UnitId("op"),
        controllers=(InstitutionId("poradna"),),
        notice=Notice(version="c1", language="cs", sha256="ab" * 32, dated=start.date()),
        paper=("consent",),
        withdrawn_at=("https://hub.example/withdraw",),
        jurisdictions=("CZ",),
        processes=(
            Process(
                sources=(UnitId("op"),),
                recipient=Recipient("class:training-provider"),
                purpose=Purpose.SUPPORT,
                categories=(Category.SKILLS,),
                bases=(LegalBasis.CONSENT,),
                storage=Storage(locations=("CZ",), kept_for="P6M"),
                history_from=start,
                until=end,
            ),
        ),
        events=(
            StatusEvent(state=ConsentState.GIVEN, at=start, indicated_by="client", method="signed-paper", until=end),
            StatusEvent(state=ConsentState.WITHDRAWN, at=end, indicated_by="client"),
        ),
    )
    receipt_id = MessageId("0198e5f0-7a3c-7c11-8d5e-2b7f9a1c3d4f")
    exported = to_jsonld(
        ConsentReceipt(receipt_id=receipt_id, created=start, publisher=UnitId("op"), records=(record,))
    )
    return {name: member for name, member in exported.items() if name != "@context"}


def test_the_guide_is_read_whole(blocks: dict[str, Node], shared_material: Path) -> None:
    folder = shared_material / "data/consent/dpv/guide-27560-blocks"
    kept_last = {name: json.loads((folder / name).read_text(encoding="utf-8")) for name in blocks}
    assert len(blocks) == 76
    assert len([name for name in blocks if blocks[name] != kept_last[name]]) == 6


def test_each_member_that_the_guide_shows_has_a_value_of_the_kind_that_it_shows(guide: Shapes, ours: Node) -> None:
    exported = shapes(ours)
    differing = {name: exported[name] - guide[name] for name in exported.keys() & guide.keys()}
    assert {name: alone for name, alone in differing.items() if alone} == OUR_KINDS


def test_each_member_stands_in_the_kind_of_node_where_the_guide_puts_it(blocks: dict[str, Node], ours: Node) -> None:
    guides = places(list(blocks.values()))
    members = {name for _, name in guides}
    states = {f"dpv:{state}" for state in ConsentState} | {"dpv:ExpressedConsent"}
    alone = {(node, name) for node, name in places(ours) - guides if name in members and node not in states}
    assert alone == OUR_PLACES
    assert {name for node, name in places(ours) if node in states} <= {n for node, n in guides if node in states}


def test_members_that_the_guide_lacks_are_those_we_know(guide: Shapes, ours: Node) -> None:
    assert shapes(ours).keys() - guide.keys() == NOT_IN_THE_GUIDE


def test_a_reader_of_the_guide_s_whole_receipt_finds_each_member_in_ours(blocks: dict[str, Node], ours: Node) -> None:
    assert shapes(blocks[WHOLE_RECEIPT]).keys() - shapes(ours).keys() == NOT_EMITTED

"""What an import makes in bulk is what the desk makes one by one: bytes, digests, verdicts. Else a row were two messages or left by no ground."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import draft_json
from adapters.desk.message_ids import MessageIds
from adapters.desk.rendering import Rendering, digest_of
from adapters.drafts import ClientKey, Draft
from adapters.gate import local_gate
from adapters.gate.known_verdicts import KnownVerdicts, moment_of
from adapters.gate.local_gate import Candidate
from adapters.gate.subject_state import SubjectState
from contracts.categories import WHOLLY_SEALED, Category, Purpose
from contracts.envelope import compose
from contracts.errors import ContractsError
from contracts.gate import Restriction
from contracts.golden_corpus.examples import Example, examples
from contracts.grants import to_unit
from contracts.grounds import Ground, Opening
from contracts.messages.need import NeedAssessed
from contracts.messages.service import ServiceDelivered
from contracts.names import GroundId, SubjectId, UnitId, source_of
from contracts.trust_list import Directory
from tests.simulated_hub import NOON, PROGRAMME, SUBJECT, SimulatedHub

OP, UP = UnitId("op"), UnitId("up")
SOURCE = source_of(PROGRAMME, OP)
IDS = MessageIds()
ZONES = st.sampled_from([UTC, ZoneInfo("Europe/Prague"), ZoneInfo("Europe/Amsterdam"), ZoneInfo("Africa/Monrovia")])
TIMES = st.datetimes(datetime(1899, 12, 30), datetime(2101, 1, 1), timezones=ZONES)  # noqa: DTZ001 - bounds of what has a zone
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
KINDS = st.sampled_from(list(examples()))


def composed(draft: Draft, *, sequence: int, checkpoint: str | None) -> bytes | None:
    try:
        return compose(
            draft.facts,
            id=IDS.next(NOON),
            source=SOURCE,
            time=draft.time,
            programme=PROGRAMME,
            sequence=sequence,
            subject=SUBJECT,
            category=draft.category,
            checkpoint=checkpoint,
        )
    except ContractsError:
        return None


@given(
    kind=KINDS,
    category=st.sampled_from(Category),
    time=TIMES,
    sequence=st.integers(1, 2**31 - 1),
    checkpoint=st.sampled_from([None, f"0:12:{'A' * 43}="]),
)
def test_a_message_made_in_bulk_has_the_bytes_that_it_would_have_alone(
    kind: Example, category: Category, time: datetime, sequence: int, checkpoint: str | None
) -> None:
    draft = Draft(ClientKey("c-1"), kind.facts, time, category=category)
    alone = composed(draft, sequence=sequence, checkpoint=checkpoint)
    rendering = Rendering(PROGRAMME, SOURCE)
    for _ in range(2):  # what is remembered from the first time is no other
        found = re.search(rb'"id":"([^"]*)"', alone) if alone else None
        message_id = IDS.next(NOON) if found is None else type(IDS.next(NOON))(found[1].decode())
        ready = rendering.ready(draft)
        if ready is not None:
            bulk = ready.alike.form.render(
                ready.facts,
                message_id=message_id,
                time=ready.time,
                sequence=sequence,
                subject=SUBJECT,
                checkpoint=checkpoint,
            )
            assert bulk == alone


def test_what_imports_are_mostly_made_of_is_made_in_bulk() -> None:
    rendering = Rendering(PROGRAMME, SOURCE)
    for category in set(Category) - WHOLLY_SEALED:
        draft = Draft(ClientKey("c-1"), ServiceDelivered(service="bednight"), NOON, category=category)
        assert rendering.ready(draft) is not None


def test_no_message_is_made_of_what_may_not_be_one() -> None:
    rendering = Rendering(PROGRAMME, SOURCE)
    without_code = Draft(ClientKey("c-1"), ServiceDelivered(), NOON, category=Category.HOUSING)
    unchecked = Draft(
        ClientKey("c-1"), ServiceDelivered.model_construct(service="a b"), NOON, category=Category.HOUSING
    )
    for draft in (without_code, unchecked):
        assert rendering.ready(draft) is None
    good = rendering.ready(
        Draft(ClientKey("c-1"), ServiceDelivered(service="bednight"), NOON, category=Category.HOUSING)
    )
    assert good is not None
    with pytest.raises(ValueError, match="no subject"):
        good.alike.form.render(
            good.facts,
            message_id=IDS.next(NOON),
            time=good.time,
            sequence=1,
            subject=SubjectId('r1."'),
            checkpoint=None,
        )


@given(kind=KINDS, category=st.sampled_from([None, *Category]), time=TIMES, client=TEXTS, key=TEXTS)
def test_a_row_imported_before_is_known_by_the_digest_of_its_draft(
    kind: Example, category: Category | None, time: datetime, client: str, key: str
) -> None:
    draft = Draft(ClientKey(client), kind.facts, time, category=category, local_key=key)
    rendering = Rendering(PROGRAMME, SOURCE)
    found = {digest_of(draft, rendering.ready(draft)) for _ in range(2)}
    assert found == {sha256(draft_json.write(draft)).digest()}


def test_equal_moments_written_differently_stay_as_they_were_written() -> None:
    rendering, facts = Rendering(PROGRAMME, SOURCE), NeedAssessed(dimension="housing")
    here, there = NOON.astimezone(UTC), NOON.astimezone(ZoneInfo("Europe/Prague"))
    drafts = [Draft(ClientKey("c-1"), facts, time, local_key="k") for time in (here, there)]
    assert here == there
    assert len({digest_of(draft, rendering.ready(draft)) for draft in drafts}) == 2


@given(seed=st.integers(0, 2**32))
def test_a_verdict_that_is_remembered_is_the_one_that_the_gate_would_give(seed: int) -> None:
    random = Random(seed)
    hub, known = SimulatedHub().directory, KnownVerdicts()
    directory = admitting_until(hub, day(random.randint(0, 6)))
    for state in [state_of(random) for _ in range(2)]:
        for _ in range(12):
            facts = ServiceDelivered(service="bednight") if random.random() < 0.8 else NeedAssessed(dimension="housing")
            category = random.choice([Category.HOUSING, Category.HOUSING, Category.CONDUCT, Category.HEALTH])
            candidate = Candidate(facts, day(random.randint(0, 6)), category, None, random.random() < 0.1)
            at = day(random.randint(0, 6))
            time, moment = moment_of(candidate.time), moment_of(at)
            expected = local_gate.judge(candidate, state, own=OP, directory=directory, at=at)
            kind = (SUBJECT, f"{type(facts)} {category}")
            found = None if candidate.has_content else known.find(kind, state, time=time, at=moment)
            assert found in (None, expected)
            assert known.judge(candidate, kind, state, own=OP, directory=directory, at=at) == expected


def day(number: int) -> datetime:
    return NOON + timedelta(days=number)


def admitting_until(hub: Directory, until: datetime) -> Directory:
    units = tuple(
        one.model_copy(update={"admitted_until": until}) if one.unit == UP else one for one in hub.listed.units
    )
    return Directory(hub.listed.model_copy(update={"units": units}), hub.digest)


def state_of(random: Random) -> SubjectState:
    grounds = [ground(random, name) for name in "ab"[: random.randint(0, 2)]]
    restricted = (Restriction(UP),) if random.random() < 0.2 else ()
    return SubjectState(grounds={one.ground_id: one for one in grounds}, restrictions=restricted)


def ground(random: Random, name: str) -> Ground:
    openings = tuple(
        Opening(
            sources=frozenset({OP}),
            recipient=to_unit(UP),
            purpose=Purpose.SUPPORT,
            categories=frozenset({Category.HOUSING, Category.HEALTH}),
            history_from=day(random.randint(0, 6)),
            until=day(random.randint(0, 6)),
        )
        for _ in range(random.randint(1, 2))
    )
    ended = day(random.randint(0, 6)) if random.random() < 0.3 else None
    return Ground(
        ground_id=GroundId(name),
        collector=OP,
        statutory=False,
        paper=frozenset({"consent"}),
        basis=frozenset(),
        explicit=random.random() < 0.5,
        openings=openings,
        ended_at=ended,
    )

"""What a draft is compared by, what an id is made of, and how one's own message is written again."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from adapters import draft_json
from adapters.desk.message_ids import MessageIds
from adapters.desk.restamp import rename, restamp
from adapters.drafts import ClientKey, Draft
from adapters.storage.clients import random_subject
from contracts import strict_json
from contracts.categories import Category, Purpose
from contracts.envelope import compose, parse
from contracts.errors import ContractsError
from contracts.golden_corpus.examples import Example, examples
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import ActorId, MessageId, SubjectId, UnitId, source_of
from tests.simulated_hub import NOON, PROGRAMME, SUBJECT, SimulatedHub

OTHER = MessageId("00000000-0000-4000-8000-000000000002")
DRAFT = Draft(
    client=ClientKey("č-1"),
    facts=NeedAssessed(dimension="health", level="high"),
    time=NOON,
    content=NeedContent(finding="slepota"),
    category=Category.HEALTH,
    purpose=Purpose.SUPPORT,
    actor=ActorId("counsellor/w7"),
    causationid=OTHER,
    local_key="csv/needs/1",
)


def test_a_draft_comes_back_from_its_json_as_it_was() -> None:
    assert draft_json.read(draft_json.write(DRAFT)) == DRAFT
    bare = Draft(None, NeedAssessed(dimension="housing"), NOON)
    assert draft_json.read(draft_json.write(bare)) == bare


@pytest.mark.parametrize("example", list(examples()), ids=lambda one: type(one.facts).__name__)
def test_a_row_imported_before_is_known_whichever_way_its_json_is_written(example: Example) -> None:
    draft = Draft(ClientKey('č-"1"\n\x01/%'), example.facts, NOON, category=example.category, local_key="a\u2028\x7f/1")
    written = draft_json.write(draft)
    assert strict_json.canonical(strict_json.parse(written)) == written


def test_the_draft_of_a_message_brings_sealed_codes_back_to_the_form() -> None:
    payload = compose(
        DRAFT.facts,
        id=MessageIds().next(NOON),
        source=source_of(PROGRAMME, UnitId("op")),
        time=NOON,
        programme=PROGRAMME,
        sequence=1,
        subject=SUBJECT,
        category=DRAFT.category,
        content=DRAFT.content,
    )
    draft = draft_json.of_message(parse(payload), DRAFT.client)
    assert (draft.facts, draft.content, draft.category) == (DRAFT.facts, DRAFT.content, DRAFT.category)


def test_an_id_is_a_version_7_uuid_of_its_millisecond() -> None:
    at = datetime(2026, 2, 2, 9, 30, 0, 123_000, tzinfo=UTC)
    message_id = UUID(MessageIds(lambda count: b"\xff" * count).next(at))
    assert (message_id.version, message_id.variant) == (7, "specified in RFC 4122")
    assert message_id.int >> 80 == 1_770_024_600_123


def test_ids_of_one_millisecond_differ_and_later_ones_sort_behind() -> None:
    ids = MessageIds()
    assert len({ids.next(NOON) for _ in range(1000)}) == 1000
    assert ids.next(NOON) < ids.next(datetime(2027, 1, 1, tzinfo=UTC))


def test_a_subject_says_nothing_and_never_comes_twice() -> None:
    drawn = {random_subject() for _ in range(1000)}
    assert len(drawn) == 1000
    assert all(SubjectId(one).startswith("r1.") and len(one) == 29 for one in drawn)


def test_writing_one_s_own_message_again_changes_only_what_was_asked() -> None:
    signed = SimulatedHub().message_of(UnitId("op"), 1)
    before, again = parse(signed.payload), parse(restamp(signed.payload, sequence=9, causationid=OTHER))
    assert (again.sequence, again.causationid) == (9, OTHER)
    assert again.model_copy(update={"sequence": before.sequence, "causationid": None}) == before
    with pytest.raises(ContractsError):
        restamp(signed.payload, sequence=0)


def test_every_mention_of_an_old_id_is_renamed() -> None:
    assert (
        rename(b'{"id":"a-1","corrects":"a-1","x":"b-2"}', {"a-1": "c-3"}) == b'{"id":"c-3","corrects":"c-3","x":"b-2"}'
    )

"""The message: what is accepted, what is refused with which code, and that nothing wrong is ever composed."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts import strict_json
from contracts.categories import Category, Purpose
from contracts.codes import RefusalCode
from contracts.envelope import Attributes, EnvelopeError, MessageError, compose, open_clear, parse, parse_attributes
from contracts.facts import Facts, SealedContent
from contracts.messages.consent import ConsentAttested, ConsentWithdrawn
from contracts.messages.entry import CorrectionContent, EntryCorrected
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import GroundId, MessageId, ProgrammeId, RecordKey, SubjectId, UnitId, source_of

PROGRAMME = ProgrammeId("decin")
ID = MessageId("018f9c1e-5b1a-7c3d-8e4f-0123456789ab")
ENTRY = MessageId("018f9c1e-5b1a-7c3d-8e4f-0123456789ac")
SUBJECT = SubjectId("r1." + "a" * 26)
TIME = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NEED = NeedAssessed(dimension="housing", level="high")


def composed(
    facts: Facts,
    content: SealedContent | None = None,
    category: Category | None = Category.HOUSING,
    *,
    corrects: MessageId | None = None,
) -> bytes:
    return compose(
        facts,
        id=ID,
        source=source_of(PROGRAMME, UnitId("advice")),
        time=TIME,
        programme=PROGRAMME,
        sequence=1,
        subject=SUBJECT,
        category=category,
        content=content,
        corrects=corrects,
    )


def changed(**changes: Any) -> bytes:  # noqa: ANN401 - whatever a sender may write
    """The bytes of a good message with other members; None leaves one out."""
    document = json.loads(composed(NEED, NeedContent(finding="Damp."))) | changes
    return strict_json.canonical({name: value for name, value in document.items() if value is not None})


def refused(raw: bytes) -> MessageError:
    with pytest.raises(MessageError) as caught:
        parse(raw)
    return caught.value


def test_what_was_composed_is_read_back_with_its_attributes_facts_and_content() -> None:
    message = parse(composed(NEED, NeedContent(finding="Damp.")))
    assert (message.id, message.unit, message.subject, message.sequence) == (ID, UnitId("advice"), SUBJECT, 1)
    assert message.key == RecordKey(SUBJECT)
    assert (message.category, message.purpose, message.time) == (Category.HOUSING, Purpose.SUPPORT, TIME)
    assert message.facts == NEED
    assert open_clear(message) == (NEED, NeedContent(finding="Damp."))


def test_under_a_special_category_no_code_is_clear_and_all_come_back_when_opened() -> None:
    raw = composed(NeedAssessed(dimension="health", level="high"), NeedContent(finding="Asthma."), Category.HEALTH)
    message = parse(raw)
    assert message.facts == NeedAssessed()
    facts, content = open_clear(message)
    assert facts == NeedAssessed(dimension="health", level="high")
    assert content == NeedContent(finding="Asthma.")


def test_a_correction_under_a_special_category_keeps_its_corrected_facts() -> None:
    content = CorrectionContent(facts={"level": "low"})
    corrected = EntryCorrected(reason="wrong-code")
    message = parse(composed(corrected, content, Category.HEALTH, corrects=ENTRY))
    assert open_clear(message) == (corrected, content)


def test_a_message_sealed_as_jwe_shows_its_facts_and_no_content() -> None:
    sealed = {"form": "jwe", "jwe": "e30..AAAA.AAAA.AAAA"}
    message = parse(changed(data={"facts": {"dimension": "housing"}, "sealed": sealed}))
    assert open_clear(message) == (NeedAssessed(dimension="housing"), None)


def test_content_in_clear_that_does_not_follow_its_type_is_refused_without_repeating_it() -> None:
    sealed = {"form": "clear", "content": {"finding": 12345}}
    message = parse(changed(data={"facts": {"dimension": "housing"}, "sealed": sealed}))
    with pytest.raises(MessageError) as caught:
        open_clear(message)
    assert caught.value.field == "data.sealed.finding"
    assert "12345" not in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        changed(id="ID"),
        changed(id=ID.upper()),
        changed(source="urn:spojka:decin"),
        changed(source="urn:spojka:other:advice"),
        changed(programme="other"),
        changed(sequence=0),
        changed(sequence=1.0),
        changed(sequence=True),
        changed(sequence=2**31),
        changed(subject=""),
        changed(subject="jana"),
        changed(actor=""),
        changed(specversion="0.3"),
        changed(datacontenttype="text/plain"),
        changed(extra="x"),
        changed(data=None),
        changed(data="x"),
        changed(type=""),
        changed(type=[]),
        changed(type={}),
        changed(checkpoint="٣:4:" + "A" * 43 + "="),
        composed(NEED).replace(b'"level":"high"', b'"level":null'),
        composed(NEED).replace(b'{"facts"', b'{"":null,"facts"'),
        composed(NEED).replace(b'"sequence"', b'"id":"x","sequence"'),
    ],
)
def test_what_has_not_even_an_envelope_is_nobodys_message(raw: bytes) -> None:
    with pytest.raises(EnvelopeError):
        parse(raw)


@pytest.mark.parametrize(
    "written",
    [
        "1772442000",
        "2026-03-02",
        "2026-03-02T09:00:00",
        "2026-03-02T09:00Z",
        "2026-03-02 09:00:00Z",
        "2026-03-02_09:00:00Z",
        "2026-03-02t09:00:00z",
        "2026-03-02T09:00:00+0100",
        "2026-03-02T09:00:00\N{MINUS SIGN}01:00",
        "2026-02-30T09:00:00Z",
        "٢026-03-02T09:00:00Z",
        "2026-03-02T09:00:00Z\n",
    ],
)
def test_a_time_that_another_language_would_read_otherwise_is_refused(written: str) -> None:
    with pytest.raises(EnvelopeError):
        parse(changed(time=written))


@pytest.mark.parametrize("written", ["2026-03-02T09:00:00Z", "2026-03-02T10:00:00.000000001+01:00"])
def test_times_of_rfc_3339_are_read_with_their_offset(written: str) -> None:
    assert parse(changed(time=written)).time == TIME


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("dataschema", changed(dataschema="urn:spojka:schema:need.assessed.v2")),
        ("subject", changed(subject=None)),
        ("category", changed(category=None)),
        ("category", changed(purpose=None)),
        ("corrects", changed(corrects=ENTRY)),
        ("data.facts.dimension", changed(data={"facts": {"level": "high"}})),
        ("data.facts.dimension", changed(category="health")),
        ("data.facts.who", changed(data={"facts": {"dimension": "housing", "who": "Jana"}})),
        ("data.sealed", changed(data={"facts": {"dimension": "housing"}, "sealed": {"form": "zip"}})),
        ("data.facts.level", changed(data={"facts": {"dimension": "housing", "level": ""}})),
    ],
)
def test_a_rule_of_the_type_that_is_broken_is_answered_with_the_field(field: str, raw: bytes) -> None:
    error = refused(raw)
    assert error.code is RefusalCode.INVALID_DATA
    assert error.field == field


def test_a_type_that_seals_nothing_refuses_content() -> None:
    attested = ConsentAttested(consent_id=GroundId(ENTRY), method="saw-original")
    document = json.loads(composed(attested, category=None))
    document["data"]["sealed"] = {"form": "clear", "content": {}}
    assert refused(strict_json.canonical(document)).field == "data.sealed"


def test_an_unknown_version_is_told_apart_from_bad_data_and_keeps_its_routing_attributes() -> None:
    raw = changed(type="eu.spojka.need.assessed.v9", data={"facts": {"new": 1}})
    assert refused(raw).code is RefusalCode.UNKNOWN_TYPE
    attributes, document = parse_attributes(raw)
    assert isinstance(attributes, Attributes)
    assert (attributes.id, attributes.sequence, document["data"]) == (ID, 1, {"facts": {"new": 1}})


def test_text_that_speaks_of_null_is_no_null() -> None:
    message = parse(composed(NEED, NeedContent(finding='"null" : null')))
    assert open_clear(message)[1] == NeedContent(finding='"null" : null')


def test_nothing_is_composed_that_would_be_refused() -> None:
    with pytest.raises(MessageError):
        composed(NEED, category=None)
    with pytest.raises(MessageError):
        composed(NeedAssessed(level="high"))
    with pytest.raises(MessageError):
        composed(ConsentWithdrawn(consent_id=GroundId(ENTRY)), category=Category.HOUSING)
    with pytest.raises(MessageError):
        composed(EntryCorrected(reason="duplicate"))

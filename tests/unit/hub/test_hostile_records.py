"""Hostile and odd input, each among honest messages: its own coded refusal or dead letter, and no honest message is lost by it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.codes import DeadLetterReason, RefusalCode
from contracts.facts import Facts
from contracts.grants import Grant, to_unit
from contracts.keys import KeyUse, SigningKey
from contracts.messages.client import ClientContent, ClientEnrolled
from contracts.messages.need import NeedAssessed
from contracts.names import GroundId, MessageId, SubjectId, UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes, sign_one
from hub.domain import deciding
from projections.kafka.positions import RawRecord
from tests.simulation.programme import KAREL, START, Simulation

SKILLS = Category.SKILLS
OTHER = SubjectId("r1." + "o" * 26)


def consent(hub: Simulation) -> Facts:
    grant = Grant(
        sources=(UnitId("op"),),
        recipient=to_unit(UnitId("vz")),
        categories=(SKILLS, Category.IDENTITY),
        until=START + timedelta(days=300),
        history_from=START,
    )
    return on_paper(GroundId(hub.next_id()), grant)


@pytest.fixture
def hub() -> Simulation:
    hub = Simulation()
    hub.publish_trust_list()
    hub.clock.at = START + timedelta(days=39)
    hub.say("op", consent(hub))
    hub.say("op", consent(hub), subject=OTHER)
    return hub


def need(hub: Simulation, **attributes: object) -> tuple[MessageId, SignedBytes]:
    return hub.message("op", NeedAssessed(dimension="skills"), category=SKILLS, **attributes)  # type: ignore[arg-type] # passed on


def tampered(hub: Simulation, change: Callable[[bytes], bytes], *, key: SigningKey | None = None) -> RawRecord:
    """A message changed before it was signed, well signed all the same."""
    _, signed = need(hub, sequence=2)
    payload = change(signed.payload)
    return hub.record(sign_one(payload, key or hub.units["op"].key, PayloadType.CLOUDEVENT), KAREL)


def honest(hub: Simulation, *, odd: RawRecord) -> tuple[MessageId, MessageId]:
    """Send an odd record between two honest messages about another client; both must be accepted."""
    first, before = need(hub, subject=OTHER)
    last, after = need(hub, subject=OTHER)
    hub.take([hub.record(before, OTHER), odd, hub.record(after, OTHER)])
    hub.relay_all()
    assert hub.receipt("op", first).code is None
    assert hub.receipt("op", last).code is None
    return first, last


DEAD: dict[str, tuple[Callable[[Simulation], RawRecord], DeadLetterReason]] = {
    "null value": (lambda hub: _plain(hub)._replace(value=None), DeadLetterReason.NULL_VALUE),
    "truncated JSON": (lambda hub: tampered(hub, lambda raw: raw[:-20]), DeadLetterReason.INVALID_ENVELOPE),
    "not JSON": (lambda hub: tampered(hub, lambda _: b"\x00\xff" * 40), DeadLetterReason.INVALID_ENVELOPE),
    "a JSON list": (lambda hub: tampered(hub, lambda _: b"[1,2]"), DeadLetterReason.INVALID_ENVELOPE),
    "duplicate member": (
        lambda hub: tampered(hub, lambda raw: raw.replace(b'{"specversion"', b'{"sequence":9,"specversion"', 1)),
        DeadLetterReason.INVALID_ENVELOPE,
    ),
    "wrong type of an attribute": (
        lambda hub: tampered(hub, lambda raw: raw.replace(b'"sequence":2', b'"sequence":"2"')),
        DeadLetterReason.INVALID_ENVELOPE,
    ),
    "unknown attribute": (
        lambda hub: tampered(hub, lambda raw: raw.replace(b'{"specversion"', b'{"colour":"red","specversion"', 1)),
        DeadLetterReason.INVALID_ENVELOPE,
    ),
    "two megabytes": (lambda hub: _plain(hub)._replace(value=b"x" * 2_100_000), DeadLetterReason.TOO_LARGE),
    "no headers": (lambda hub: _plain(hub)._replace(headers=()), DeadLetterReason.NOT_AN_ENVELOPE),
    "no signature": (
        lambda hub: _plain(hub)._replace(headers=tuple(h for h in _plain(hub).headers if h[0] != "dsse-sig")),
        DeadLetterReason.MISSING_SIGNATURE,
    ),
    "bad UTF-8 in a header": (
        lambda hub: _plain(hub)._replace(
            headers=(*_plain(hub).headers[:1], ("dsse-keyid", b"\xff\xfe"), *_plain(hub).headers[2:])
        ),
        DeadLetterReason.BAD_HEADER,
    ),
    "duplicate header": (
        lambda hub: _plain(hub)._replace(headers=(*_plain(hub).headers, _plain(hub).headers[1])),
        DeadLetterReason.DUPLICATE_HEADER,
    ),
    "unreadable batch": (
        lambda hub: _plain(hub)._replace(headers=(("spojka-unreadable", b""), *_plain(hub).headers)),
        DeadLetterReason.UNKNOWN_HEADER,
    ),
    "flipped byte": (
        lambda hub: _plain(hub)._replace(value=(_plain(hub).value or b"").replace(b"skills", b"skillz", 1)),
        DeadLetterReason.INVALID_ENVELOPE,
    ),
    "forged signature": (
        lambda hub: _plain(hub)._replace(
            value=(_plain(hub).value or b"").replace(b'"dimension":"skills"', b'"dimension":"mobility"')
        ),
        DeadLetterReason.BAD_SIGNATURE,
    ),
    "unknown key": (
        lambda hub: tampered(hub, bytes, key=SigningKey.generate(UnitId("op"), KeyUse.MESSAGES)),
        DeadLetterReason.UNKNOWN_KEY,
    ),
    "another unit's message as one's own": (
        lambda hub: tampered(hub, bytes, key=hub.units["vz"].key),
        DeadLetterReason.SOURCE_NOT_OWNER,
    ),
    "under another client's key": (lambda hub: hub.record(need(hub, sequence=2)[1], OTHER), DeadLetterReason.WRONG_KEY),
}


def _plain(hub: Simulation) -> RawRecord:
    return hub.record(need(hub, sequence=2)[1], KAREL)


def _moved(hub: Simulation) -> RawRecord:
    record = _plain(hub)
    return record._replace(partition=(record.partition + 1) % 4)


def _with_feed_key(hub: Simulation) -> RawRecord:
    _, signed = need(hub, sequence=2)
    signature = hub.feed_key.sign(PayloadType.CLOUDEVENT, signed.payload)
    return hub.record(SignedBytes(signed.payload, hub.feed_key.key_id, signature), KAREL)


DEAD |= {
    "a key for another use": (_with_feed_key, DeadLetterReason.UNKNOWN_KEY),
    "on another partition": (_moved, DeadLetterReason.WRONG_PARTITION),
}


@pytest.mark.parametrize("name", DEAD)
def test_what_speaks_for_nobody_is_a_dead_letter_with_its_reason_and_costs_nobody_else(
    hub: Simulation, name: str
) -> None:
    make, reason = DEAD[name]
    honest(hub, odd=make(hub))
    assert [letter.reason for letter in hub.shard.dead_letters.values()] == [reason]
    # Its author goes on with the number that the odd record bore.
    again, signed = need(hub, sequence=2)
    hub.take([hub.record(signed, KAREL)])
    hub.relay_all()
    assert hub.receipt("op", again).code is None


def test_a_revoked_key_speaks_for_nobody_from_then_on(hub: Simulation) -> None:
    key = hub.units["op"].key
    hub.revoke(key.key_id)
    hub.take([_plain(hub)])
    assert [letter.reason for letter in hub.shard.dead_letters.values()] == [DeadLetterReason.REVOKED_KEY]


REFUSED: dict[str, tuple[Callable[[Simulation], tuple[MessageId, SignedBytes]], RefusalCode]] = {
    "unknown version": (
        lambda hub: _resigned(hub, lambda raw: raw.replace(b"need.assessed.v1", b"need.assessed.v9")),
        RefusalCode.UNKNOWN_TYPE,
    ),
    "wrong type of a fact": (
        lambda hub: _resigned(hub, lambda raw: raw.replace(b'"dimension":"skills"', b'"dimension":7')),
        RefusalCode.INVALID_DATA,
    ),
    "unknown fact": (
        lambda hub: _resigned(hub, lambda raw: raw.replace(b'{"dimension"', b'{"name":"Karel","dimension"')),
        RefusalCode.INVALID_DATA,
    ),
    "a clock an hour ahead": (lambda hub: need(hub, time=hub.clock.at + timedelta(hours=1)), RefusalCode.TIME_AHEAD),
    "no ground": (
        lambda hub: hub.message("op", NeedAssessed(dimension="housing"), category=Category.HOUSING),
        RefusalCode.NO_GROUND,
    ),
}


def _resigned(hub: Simulation, change: Callable[[bytes], bytes]) -> tuple[MessageId, SignedBytes]:
    name, signed = need(hub)
    return name, sign_one(change(signed.payload), hub.units["op"].key, PayloadType.CLOUDEVENT)


@pytest.mark.parametrize("name", REFUSED)
def test_what_its_author_got_wrong_is_refused_with_a_code_and_a_receipt(hub: Simulation, name: str) -> None:
    make, code = REFUSED[name]
    wrong, signed = make(hub)
    honest(hub, odd=hub.record(signed, KAREL))
    assert hub.receipt("op", wrong).code is code
    following, after = need(hub)
    hub.take([hub.record(after, KAREL)])
    hub.relay_all()
    assert hub.receipt("op", following).code is None


def test_a_message_of_another_programme_is_refused_and_touches_no_number(hub: Simulation) -> None:
    wrong, signed = _resigned(hub, lambda raw: raw.replace(b":decin:", b":praha:").replace(b'"decin"', b'"praha"'))
    hub.units["op"].numbers[KAREL] -= 1
    honest(hub, odd=hub.record(signed, KAREL))
    assert hub.receipt("op", wrong).code is RefusalCode.WRONG_PROGRAMME
    following, after = need(hub)
    hub.take([hub.record(after, KAREL)])
    hub.relay_all()
    assert hub.receipt("op", following).code is None


def test_clear_content_is_refused_outside_a_trial() -> None:
    hub = Simulation(trial=False)
    hub.publish_trust_list()
    hub.clock.at = START + timedelta(days=39)
    hub.say("op", consent(hub))
    name = hub.say("op", ClientEnrolled(), category=Category.IDENTITY, content=ClientContent(given_name="Karel"))
    hub.relay_all()
    assert hub.receipt("op", name).code is RefusalCode.CLEAR_NOT_ALLOWED


def test_the_same_bytes_again_have_no_second_effect_and_the_same_receipt(hub: Simulation) -> None:
    name, signed = need(hub)
    hub.take([hub.record(signed, KAREL)])
    hub.relay_all()
    before, log = hub.receipt("op", name), len(hub.shard.log)
    hub.feeds.clear()
    hub.take([hub.record(signed, KAREL), hub.record(signed, KAREL)])
    hub.relay_all()
    assert len(hub.shard.log) == log
    assert hub.receipts("op", name)[0] == before


def test_an_id_with_other_bytes_is_refused_and_the_number_stays_free(hub: Simulation) -> None:
    name, signed = need(hub)
    hub.take([hub.record(signed, KAREL)])
    _, other = need(hub, message_id=name)
    hub.take([hub.record(other, KAREL)])
    hub.relay_all()
    assert [one.code for one in hub.receipts("op", name)] == [None, RefusalCode.ID_REUSED]
    hub.units["op"].numbers[KAREL] -= 1
    following, after = need(hub)
    hub.take([hub.record(after, KAREL)])
    hub.relay_all()
    assert hub.receipt("op", following).code is None


def test_a_taken_number_is_refused_with_the_last_one_for_a_restored_adapter(hub: Simulation) -> None:
    for _ in range(3):
        hub.take([hub.record(need(hub)[1], KAREL)])
    old, signed = need(hub, sequence=2)
    hub.take([hub.record(signed, KAREL)])
    hub.relay_all()
    receipt = hub.receipt("op", old)
    assert (receipt.code, receipt.last_sequence) == (RefusalCode.SEQUENCE_CONFLICT, 4)


def test_nothing_is_written_beyond_a_hole_until_it_is_filled(hub: Simulation) -> None:
    first, second = need(hub), need(hub)
    log = len(hub.shard.log)
    hub.take([hub.record(second[1], KAREL)])
    assert len(hub.shard.log) == log
    hub.take([hub.record(first[1], KAREL), hub.record(second[1], KAREL)])
    hub.relay_all()
    assert [hub.receipt("op", one[0]).code for one in (first, second)] == [None, None]


def test_an_unexpected_fault_parks_its_message_and_what_stands_behind_it_and_nothing_else(
    hub: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, signed = need(hub)
    behind, after = need(hub)
    real = deciding.decide

    def broken(path: object, message: object, now: object) -> object:
        if getattr(message, "id", None) == poison:
            raise ZeroDivisionError
        return real(path, message, now)  # type: ignore[arg-type] # passed on as they are

    monkeypatch.setattr("hub.application.docket.decide", broken)
    first, before = need(hub, subject=OTHER)
    hub.take([hub.record(signed, KAREL), hub.record(after, KAREL), hub.record(before, OTHER)])
    hub.relay_all()
    assert hub.receipt("op", first).code is None
    assert {one.message_id for one in hub.shard.parked.values()} == {poison, behind}

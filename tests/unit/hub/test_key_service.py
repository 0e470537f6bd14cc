"""Who is given which key: what a ground opens, nothing else, and nothing any more once it is shut."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category, Purpose
from contracts.codes import DeadLetterReason, RefusalCode
from contracts.dsse import from_envelope
from contracts.envelope import parse
from contracts.feed_record import read, write
from contracts.grants import Grant, to_unit
from contracts.kafka_record import SEALED_KEY
from contracts.messages.consent import ConsentAttested, ConsentContent, ConsentNarrowed, ConsentWithdrawn
from contracts.messages.erasure import ErasureCarriedOut, ErasureRequested
from contracts.messages.feed import ReplayRequested
from contracts.messages.ground import GroundEnded, GroundRegistered
from contracts.messages.hub import RetentionPeriod, SettingsChanged
from contracts.messages.key import KeyReleased
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.processing import ProcessingRestricted
from contracts.names import GroundId, MessageId, UnitId
from contracts.pae import PayloadType
from contracts.sealing.content_key import ContentKey
from contracts.sealing.suites import OpeningKey
from contracts.signed_bytes import verify
from contracts.trust_list import MandateEntry
from hub.application import key_service
from hub.application.hub_voice import HubVoice
from hub.application.ports import FencedError
from hub.application.programme import notice_name
from hub.application.trusted_log import UntrustedLogError
from hub.audit.findings import FindingCode
from hub.domain.events import MessageAccepted, MessageRefused
from hub.entrypoints.keys.making import wrap_anew
from tests.simulation.exported import audited
from tests.simulation.programme import DECIN, START, STORY_UNITS, Simulation, UnitSpec
from tests.simulation.sealed import SealedSimulation

HOUSING, SKILLS = Category.HOUSING, Category.SKILLS
FINDING = NeedContent(finding="Dluží nájem za tři měsíce.")
BY_LAW = UnitSpec(
    "up",
    "urad-prace",
    ("labour-office",),
    secrecy=True,
    mandates=(
        MandateEntry(
            bases=("A6-1-e",),
            statute="act-435-2004",
            purposes=(Purpose.ELIGIBILITY,),
            categories=(SKILLS, HOUSING),
            sources=(UnitId("up"),),
            lifts_secrecy=True,
        ),
    ),
)
EVIDENCE = ConsentContent(evidence="signed on paper")


@pytest.fixture
def hub() -> SealedSimulation:
    hub = SealedSimulation()
    hub.clock.at = START + timedelta(days=10)
    return hub


def grant(*recipients: str, categories: tuple[Category, ...] = (HOUSING, SKILLS), days: int = 300) -> tuple[Grant, ...]:
    return tuple(
        Grant(
            sources=(UnitId("op"), UnitId("md")),
            recipient=to_unit(UnitId(recipient)),
            categories=categories,
            until=START + timedelta(days=days),
            history_from=START,
        )
        for recipient in recipients
    )


def consent(hub: SealedSimulation, *grants: Grant) -> GroundId:
    """A consent with sealed evidence, taken by the advice office."""
    name = GroundId(hub.next_id())
    for one in grants:
        facts = on_paper(name, one)
        hub.seal("op", facts, EVIDENCE)
    return name


def last_accepted(hub: Simulation) -> MessageId:
    """The message that the hub accepted last."""
    event = hub.shard.log[-1]
    assert isinstance(event, MessageAccepted)
    return parse(event.message.payload).id


def need(hub: SealedSimulation, category: Category = HOUSING, **attributes: object) -> MessageId:
    return hub.seal("op", NeedAssessed(dimension=category.value), FINDING, category=category, **attributes)  # type: ignore[arg-type] # passed on


def released(hub: SealedSimulation, name: MessageId) -> list[UnitId]:
    """Who has a key because of an entry, as the service remembers it."""
    return [row.unit for row in hub.key_store.releases_of([hub.sent(name).key]) if row.entry == name]


def keep_housing(hub: Simulation, *, days: int) -> None:
    """The operator sets for how long housing is kept."""
    periods = (RetentionPeriod(category=HOUSING, days=days),)
    facts = SettingsChanged(
        version=1,
        obligation_days=30,
        close_after_days=14,
        reopen_within_days=60,
        waitlist_grace_days=14,
        retention=periods,
    )
    _, signed = hub.programme.voice.say(facts, name=notice_name(facts), at=hub.clock.now())
    hub.take([hub.record(signed, hub.hub_record_key)])


def retain(hub: Simulation) -> int:
    """What was kept long enough is said to be erased; returns how often."""
    hub.relay_all()
    ended = hub.relay.retain()
    hub.take([hub.record(one.signed, one.key) for one in ended])
    return len(ended)


def code(hub: Simulation) -> RefusalCode | None:
    """How the hub answered last."""
    last = hub.shard.log[-1]
    return last.code if isinstance(last, MessageRefused) else None


class TestDeposit:
    def test_a_deposit_reaches_the_mailbox_with_its_message_and_nothing_else_of_the_hub(
        self, hub: SealedSimulation
    ) -> None:
        record = hub.depositing("op", "housing", ContentKey.generate())
        header = dict(record.headers)[SEALED_KEY]
        hub.take([record])
        assert code(hub) is None
        (row,) = hub.shard.mailbox.values()
        assert (row.position, row.header) == (len(hub.shard.log) - 1, header)
        assert header not in b"".join(event.model_dump_json().encode() for event in hub.shard.log)

    @pytest.mark.parametrize("what", ["nothing", "another", "not a deposit", "too long", "to somebody else"])
    def test_without_its_key_a_deposit_is_refused_and_can_be_sent_again(self, hub: SealedSimulation, what: str) -> None:
        custodian = OpeningKey.generate(UnitId("hub")) if what == "to somebody else" else None
        record = hub.depositing("op", "housing", ContentKey.generate(), custodian=custodian)
        kept = tuple(one for one in record.headers if one[0] != SEALED_KEY)
        other = dict(hub.depositing("op", "housing", ContentKey.generate()).headers)[SEALED_KEY]
        values = {"another": other, "not a deposit": b"{}", "too long": b" " * 20_000}
        headers = record.headers if custodian else kept
        if what in values:
            headers = (*kept, (SEALED_KEY, values[what]))
        hub.units["op"].numbers.clear()
        hub.take([record._replace(headers=headers)])
        assert code(hub) is RefusalCode.KEY_MISSING
        assert not hub.shard.mailbox
        hub.units["op"].numbers = {record.key.decode(): 1}  # type: ignore[union-attr] # a subject
        hub.take([hub.depositing("op", "housing", ContentKey.generate())])
        assert code(hub) is None

    def test_a_key_that_nobody_may_seal_to_any_more_is_refused(self, hub: SealedSimulation) -> None:
        hub.clock.at = START + timedelta(days=61)
        hub.take([hub.depositing("op", "housing", ContentKey.generate())])
        assert code(hub) is RefusalCode.KEY_MISSING

    def test_a_dead_letter_holds_no_deposited_key(self, hub: SealedSimulation) -> None:
        record = hub.depositing("op", "housing", ContentKey.generate())
        hub.take([record._replace(key=b"somewhere else")])
        (letter,) = hub.shard.dead_letters.values()
        assert letter.reason is DeadLetterReason.WRONG_KEY
        assert SEALED_KEY not in dict(letter.headers)


class TestRelease:
    def test_a_permitted_recipient_opens_the_entry_and_nobody_else_does(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        paper = last_accepted(hub)
        name = need(hub)
        hub.serve()
        assert {unit for unit in hub.units if hub.opens(unit, name)} == {"md"}
        assert {unit for unit in hub.units if hub.opens(unit, paper)} == {"md"}

    def test_one_release_opens_all_entries_of_its_key(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        names = [need(hub) for _ in range(3)]
        before = hub.serve()
        names.append(need(hub))
        assert hub.serve() == 0
        assert before == len(hub.produced[UnitId("md")]) == 2
        assert all(hub.opens("md", name) for name in names)

    def test_the_release_is_signed_by_the_key_service_and_names_what_permitted_it(self, hub: SealedSimulation) -> None:
        ground = consent(hub, *grant("md"))
        name = need(hub)
        while hub.keys.step():
            pass
        row = hub.keys.outgoing()[-1]
        verify(read(write("release", row.signed)).signed, hub.releases_key.verifying_key, PayloadType.RELEASE)
        assert (row.entry, row.ground, row.unit) == (name, ground, "md")
        assert from_envelope(row.signed)[1] is PayloadType.RELEASE

    def test_a_back_fill_opens_the_chosen_entries_alone(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        housing, skills = need(hub), need(hub, SKILLS)
        hub.serve()
        consent(hub, *grant("vz", categories=(SKILLS,)))
        hub.serve()
        assert hub.opens("vz", skills)
        assert not hub.opens("vz", housing)
        assert not hub.keyring("vz").contents.keys() & {hub.key("op", "skills").key_id}
        later = need(hub, SKILLS)
        hub.serve()
        assert hub.opens("vz", later)
        assert not hub.keyring("vz").contents.keys() & {hub.key("op", "skills").key_id}
        new_epoch = need(hub, SKILLS, epoch=2)
        hub.serve()
        assert hub.opens("vz", new_epoch)
        assert hub.keyring("vz").contents.keys() >= {hub.key("op", "skills", epoch=2).key_id}

    def test_of_entries_that_come_together_each_unit_opens_its_own_and_no_other(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("up"))
        late = tuple(one.model_copy(update={"history_from": START + timedelta(days=8)}) for one in grant("md"))
        consent(hub, *late)
        days = (9, 2, 9)
        names = [need(hub, time=START + timedelta(days=day)) for day in days]
        hub.serve()
        assert [hub.opens("up", name) for name in names] == [True, True, True]
        assert [hub.opens("md", name) for name in names] == [True, False, True]

    def test_a_source_that_attests_later_opens_its_entries_then(self, hub: SealedSimulation) -> None:
        ground = consent(hub, *grant("up"))
        consent(hub, *grant("md"))
        other = consent(hub, *grant("op"))
        hub.say("md", ConsentAttested(consent_id=other, method="own-paper"))
        theirs = hub.seal("md", NeedAssessed(dimension="housing"), FINDING, category=HOUSING)
        hub.serve()
        assert not hub.opens("up", theirs)
        hub.say("md", ConsentAttested(consent_id=ground, method="own-paper"))
        hub.serve()
        assert hub.opens("up", theirs)

    def test_naming_another_units_key_opens_nothing_of_it(self, hub: SealedSimulation) -> None:
        ground = consent(hub, *grant("md"), *grant("up", categories=(SKILLS,)))
        hub.say("md", ConsentAttested(consent_id=ground, method="own-paper"))
        secret = need(hub)
        hub.serve()
        theirs = hub.key("op", "housing")
        hub.seal("op", NeedAssessed(dimension="skills"), FINDING, category=SKILLS, key=theirs)
        hub.seal("md", NeedAssessed(dimension="skills"), FINDING, category=SKILLS, key=theirs)
        hub.serve()
        assert not hub.opens("up", secret)
        assert hub.keys.counts.unreadable >= 2

    def test_a_unit_without_an_encryption_key_gets_it_when_it_has_one(self) -> None:
        hub = SealedSimulation(without=frozenset({"md"}))
        hub.clock.at = START + timedelta(days=10)
        consent(hub, *grant("md"))
        name = need(hub)
        assert hub.serve() == 0
        hub._without = frozenset()
        units = hub._listed(STORY_UNITS, trial=False, shards=1).units
        directory = hub.intake.directory
        listed = directory.listed.model_copy(
            update={"version": 2, "previous": directory.digest.hex(), "units": units, "issued_at": hub.clock.at}
        )
        hub.take([hub.next_list(listed)])
        hub.serve()
        assert hub.opens("md", name)

    def test_a_message_that_nobody_signed_stops_all_releases(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        event = hub.shard.log[-1]
        assert isinstance(event, MessageAccepted)
        planted = event.message.payload.replace(b"unit:md", b"unit:vz")
        hub.shard.log[-1] = event.model_copy(update={"message": event.message.model_copy(update={"payload": planted})})
        with pytest.raises(UntrustedLogError):
            hub.serve()
        assert not hub.produced

    def test_content_that_is_missing_without_an_erasure_stops_all_releases(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        need(hub)
        hub.shard.erased.add(len(hub.shard.log) - 1)
        with pytest.raises(UntrustedLogError, match="nobody had it erased"):
            hub.serve()
        assert not hub.produced

    def test_a_recipient_that_only_the_hub_names_is_given_no_key(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        name = need(hub)
        event = hub.shard.log[-1]
        assert isinstance(event, MessageAccepted)
        (given,) = event.recipients
        hub.shard.log[-1] = event.model_copy(
            update={"recipients": (given, given.model_copy(update={"unit": UnitId("vz")}))}
        )
        hub.serve()
        assert hub.opens("md", name)
        assert not hub.opens("vz", name)

    def test_a_withdrawal_that_the_hub_leaves_out_is_noticed_at_the_units_next_message(
        self, hub: SealedSimulation
    ) -> None:
        ground = consent(hub, *grant("md"))
        hub.serve()
        position = len(hub.shard.log)
        hub.say("op", ConsentWithdrawn(consent_id=ground))
        after = len(hub.shard.log)
        consent(hub, *grant("vz"))
        del hub.shard.log[position:after]
        with pytest.raises(UntrustedLogError, match="out of its order"):
            hub.serve()


class TestPace:
    def test_it_goes_on_at_once_while_it_is_behind_and_takes_its_time_when_it_is_not(
        self, hub: SealedSimulation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(key_service, "CHUNK", 1)
        monkeypatch.setattr(key_service, "AT_ONCE", 2)
        consent(hub, *grant("md"))
        need(hub)
        pressing = []
        while hub.keys.step():
            pressing.append(hub.keys.pressing)
        assert pressing[0]
        assert not hub.keys.pressing
        need(hub)
        assert hub.keys.step()
        assert not hub.keys.pressing


class TestEnding:
    def test_after_a_withdrawal_nothing_of_it_is_given_again(self, hub: SealedSimulation) -> None:
        ground = consent(hub, *grant("md"))
        paper = last_accepted(hub)
        name = need(hub)
        hub.serve()
        hub.say("op", ConsentWithdrawn(consent_id=ground))
        hub.serve()
        assert [row.entry for row in hub.key_store.releases_of([hub.sent(name).key])] == [paper]
        hub.produced.clear()
        asks(hub, "md")
        hub.serve()
        assert not hub.opens("md", name)

    def test_what_was_not_produced_before_the_withdrawal_never_is(self, hub: SealedSimulation) -> None:
        ground = consent(hub, *grant("md"))
        name = need(hub)
        while hub.keys.step():
            pass
        hub.say("op", ConsentWithdrawn(consent_id=ground))
        hub.serve()
        assert not hub.opens("md", name)

    def test_what_another_ground_still_covers_stays_open(self, hub: SealedSimulation) -> None:
        ground = consent(hub, *grant("md"))
        consent(hub, *grant("md", categories=(SKILLS,)))
        housing, skills = need(hub), need(hub, SKILLS)
        hub.serve()
        hub.say("op", ConsentWithdrawn(consent_id=ground))
        hub.serve()
        hub.produced.clear()
        asks(hub, "md")
        hub.serve()
        assert hub.opens("md", skills)
        assert not hub.opens("md", housing)

    def test_after_a_narrowing_a_key_that_opened_more_gives_way_to_keys_of_messages(
        self, hub: SealedSimulation
    ) -> None:
        old = tuple(one.model_copy(update={"history_from": START + timedelta(days=8)}) for one in grant("md"))
        wide, narrow = consent(hub, *grant("md")), consent(hub, *old)
        before = need(hub, time=START + timedelta(days=2))
        after = need(hub, time=START + timedelta(days=9))
        hub.serve()
        hub.say("op", ConsentNarrowed(consent_id=wide, recipient=to_unit(UnitId("md")), grants=()))
        hub.serve()
        hub.produced.clear()
        asks(hub, "md")
        hub.serve()
        assert narrow
        assert hub.opens("md", after)
        assert not hub.opens("md", before)
        later = need(hub, time=START + timedelta(days=9))
        hub.serve()
        assert hub.opens("md", later)
        assert not hub.opens("md", before)

    def test_an_expired_consent_ends_like_a_withdrawn_one(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md", days=20))
        name = need(hub)
        hub.serve()
        hub.move_to(START + timedelta(days=21))
        hub.produced.clear()
        asks(hub, "md")
        hub.serve()
        assert not hub.opens("md", name)

    @pytest.mark.parametrize(
        "end",
        [
            lambda hub, ground: hub.say("op", ConsentWithdrawn(consent_id=ground)),
            lambda hub, ground: hub.say(
                "op", ConsentNarrowed(consent_id=ground, recipient=to_unit(UnitId("md")), grants=())
            ),
            lambda hub, _: hub.move_to(START + timedelta(days=21)),
            lambda hub, _: hub.say("op", ProcessingRestricted()),
            lambda hub, _: hub.say("op", ErasureRequested()),
        ],
        ids=["withdrawn", "narrowed", "expired", "restricted", "erased"],
    )
    def test_whatever_ends_sharing_takes_its_keys_out_of_the_service_at_once_and_not_only_when_somebody_asks(
        self, hub: SealedSimulation, end: Callable[[SealedSimulation, GroundId], object]
    ) -> None:
        ground = consent(hub, *grant("md", days=20))
        name = need(hub)
        hub.serve()
        assert released(hub, name) == ["md"]
        end(hub, ground)
        hub.serve()
        assert released(hub, name) == []

    @pytest.mark.parametrize(
        "end",
        [
            lambda hub, ground: hub.say("up", GroundEnded(ground_id=ground)),
            lambda hub, _: hub.move_to(START + timedelta(days=21)),
        ],
        ids=["ended", "expired"],
    )
    def test_so_does_the_end_of_what_a_law_opened(self, end: Callable[[SealedSimulation, GroundId], object]) -> None:
        hub = SealedSimulation(tuple(BY_LAW if one.name == "up" else one for one in STORY_UNITS))
        hub.clock.at = START + timedelta(days=10)
        ground = GroundId(hub.next_id())
        opened = tuple(
            one.model_copy(update={"sources": (UnitId("up"),), "purpose": Purpose.ELIGIBILITY})
            for one in grant("md", days=20)
        )
        hub.say("up", GroundRegistered(ground_id=ground, basis=("A6-1-e",), statute="act-435-2004", grants=opened))
        facts = NeedAssessed(dimension="skills")
        name = hub.seal("up", facts, FINDING, category=SKILLS, purpose=Purpose.ELIGIBILITY)
        hub.serve()
        assert released(hub, name) == ["md"]
        end(hub, ground)
        hub.serve()
        assert released(hub, name) == []


class TestRetention:
    def test_what_was_kept_long_enough_takes_its_key_along_and_the_log_is_told(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        old = need(hub)
        hub.serve()
        keep_housing(hub, days=30)
        hub.clock.at += timedelta(days=32)
        assert retain(hub) == 1
        hub.serve()
        assert not hub.key_store.keys([hub.key("op", "housing").key_id])
        assert released(hub, old) == []
        assert hub.tell_erasures() == 1
        assert hub.key_store.keys([hub.key("op", "parties").key_id])

    def test_a_key_that_sealed_something_newer_stays_and_opens_that_alone(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        old = need(hub)
        hub.clock.at += timedelta(days=20)
        new = need(hub)
        hub.serve()
        keep_housing(hub, days=30)
        hub.clock.at += timedelta(days=15)
        assert retain(hub) == 1
        hub.serve()
        assert hub.key_store.keys([hub.key("op", "housing").key_id])
        hub.produced.clear()
        asks(hub, "md")
        hub.serve()
        assert hub.opens("md", new)
        assert not hub.opens("md", old)


class TestErasure:
    def test_what_the_client_had_erased_opens_for_nobody_any_more_and_its_keys_are_gone(
        self, hub: SealedSimulation
    ) -> None:
        consent(hub, *grant("md"))
        name = need(hub)
        hub.serve()
        hub.say("op", ErasureRequested())
        hub.serve()
        key = hub.key("op", "housing").key_id
        assert not hub.key_store.keys([key])
        assert not [row for row in hub.key_store.releases_of([hub.sent(name).key]) if row.key_id == key]
        hub.produced.clear()
        for unit in ("md", "op"):
            asks(hub, unit, own=unit == "op")
        hub.serve()
        assert not hub.opens("md", name)
        assert not hub.opens("op", name)

    def test_only_the_categories_that_were_asked_for_go(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        housing, skills = need(hub), need(hub, SKILLS)
        hub.say("op", ErasureRequested(categories=(HOUSING,)))
        hub.serve()
        assert hub.opens("md", skills)
        assert not hub.opens("md", housing)
        assert set(hub.key_store.held) >= {hub.key("op", "skills").key_id, hub.key("op", "parties").key_id}

    def test_what_is_recorded_later_under_a_new_key_opens_as_ever(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        need(hub)
        hub.say("op", ErasureRequested())
        hub.serve()
        later = need(hub, epoch=2)
        hub.serve()
        assert hub.opens("md", later)

    def test_a_consent_that_opens_what_was_before_does_not_stop_the_service_at_what_was_erased(
        self, hub: SealedSimulation
    ) -> None:
        consent(hub, *grant("md"))
        erased = need(hub)
        hub.say("op", ErasureRequested())
        hub.serve()
        hub.produced.clear()
        consent(hub, *grant("up"))
        later = need(hub, epoch=2)
        hub.serve()
        assert hub.opens("up", later)
        assert not hub.opens("up", erased)

    def test_the_log_is_told_once_with_both_dates_and_so_is_every_author(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        need(hub)
        need(hub, SKILLS)
        asked = hub.say("op", ErasureRequested())
        hub.serve()
        assert hub.tell_erasures() == 1
        assert hub.tell_erasures() == 0
        event = hub.shard.log[-1]
        assert isinstance(event, MessageAccepted)
        facts = parse(event.message.payload).facts
        assert isinstance(facts, ErasureCarriedOut)
        assert (facts.request_id, facts.entries, facts.keys) == (asked, 2, 2)
        assert facts.beyond_at - facts.live_at == timedelta(days=35)
        assert {one.unit for one in event.recipients} == {"op", "md"}
        assert audited(hub) == []

    def test_a_deposit_that_was_not_taken_when_it_was_erased_is_gone_too(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        hub.serve()
        need(hub)
        hub.say("op", ErasureRequested())
        hub.serve()
        assert not hub.shard.mailbox
        assert not hub.key_store.keys([hub.key("op", "housing").key_id])


class TestAgain:
    def test_a_unit_that_lost_its_feed_gets_its_keys_again_and_nobody_else_does(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md", "up"))
        name = need(hub)
        hub.serve()
        hub.produced.clear()
        asks(hub, "md")
        hub.serve()
        assert hub.opens("md", name)
        assert set(hub.produced) == {"md"}

    def test_a_restored_adapter_gets_its_own_keys_back(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        name = need(hub)
        hub.serve()
        assert not hub.opens("op", name)
        asks(hub, "op", own=True)
        hub.serve()
        assert hub.opens("op", name)

    def test_a_new_encryption_key_of_a_unit_gets_what_the_lost_one_had(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        housing, skills = need(hub), need(hub, SKILLS)
        consent(hub, *grant("vz", categories=(SKILLS,)))
        hub.serve()
        for unit in ("md", "vz"):
            hub.encryption[unit] = OpeningKey.generate(UnitId(unit))
        directory = hub.intake.directory
        units = hub._listed(STORY_UNITS, trial=False, shards=1).units
        listed = directory.listed.model_copy(
            update={"version": 2, "previous": directory.digest.hex(), "units": units, "issued_at": hub.clock.at}
        )
        hub.take([hub.next_list(listed)])
        hub.produced.clear()
        for unit in ("md", "vz"):
            asks(hub, unit)
        hub.serve()
        assert hub.opens("md", housing)
        assert hub.opens("md", skills)
        assert hub.opens("vz", skills)

    def test_a_broker_that_lost_everything_gets_the_releases_again(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        name = need(hub)
        hub.keys.met("one")
        hub.serve()
        assert hub.keys.met("one") == 0
        hub.produced.clear()
        assert hub.keys.met("two") == 2
        hub.serve()
        assert hub.opens("md", name)

    def test_a_service_that_takes_over_goes_on_where_the_other_was(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        name = need(hub)
        hub.keys.step()
        hub.keys = hub.new_keys()
        hub.serve()
        assert hub.opens("md", name)
        assert len(hub.produced[UnitId("md")]) == 2

    def test_two_services_do_not_release_side_by_side(self, hub: SealedSimulation) -> None:
        other = hub.new_keys()
        consent(hub, *grant("md"))
        need(hub)
        hub.serve()
        with pytest.raises(FencedError):
            other.step()


class TestEvidence:
    def test_the_log_is_told_of_every_release_once(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        paper = last_accepted(hub)
        name = need(hub)
        hub.serve()
        assert hub.tell() == 2
        assert hub.tell() == 0
        event = hub.shard.log[-1]
        assert isinstance(event, MessageAccepted)
        facts = parse(event.message.payload).facts
        assert isinstance(facts, KeyReleased)
        assert {one.message_id for one in facts.releases} == {name, paper}
        assert all(one.unit == "md" and one.form == "content-key" for one in facts.releases)

    def test_the_report_bears_the_key_services_own_signature(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        hub.serve()
        hub.tell()
        event = hub.shard.log[-1]
        assert isinstance(event, MessageAccepted)
        assert event.message.key_id == hub.reports_key.key_id

    def test_an_auditor_accepts_what_was_released_and_finds_what_no_ground_opens(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        name = need(hub)
        hub.say("op", ReplayRequested(shard=0, generation=1, from_sequence=1, scope="own"), subject=None)
        hub.serve()
        hub.tell()
        assert audited(hub) == []
        fact = next(row for row in hub.key_store.releases_of([hub.sent(name).key]) if row.entry == name).fact()
        claims = fact.model_copy(update={"unit": UnitId("md-claims")})
        another = fact.model_copy(update={"key_id": "0" * 64})
        nowhere = fact.model_copy(update={"position": 999})
        for number, planted in enumerate((claims, another, nowhere)):
            facts = KeyReleased(shard=0, releases=(planted,))
            _, signed = HubVoice(DECIN, hub.reports_key).say(facts, name=f"planted/{number}", at=hub.clock.at)
            hub.take([hub.record(signed, hub.hub_record_key)])
        assert [finding.code for finding in audited(hub)] == [FindingCode.UNFOUNDED] * 3


class TestDepositKeys:
    def test_a_private_half_is_destroyed_once_everything_sealed_to_it_was_taken(self, hub: SealedSimulation) -> None:
        hub.serve()
        assert hub.keys.tidy() == []
        consent(hub, *grant("md"))
        paper = last_accepted(hub)
        hub.clock.at = START + timedelta(days=61)
        hub.say("op", ConsentAttested(consent_id=GroundId(hub.next_id()), method="own-paper"))
        assert hub.keys.tidy() == []
        hub.serve()
        assert hub.keys.tidy() == [hub.deposit_key.key_id]
        (gone,) = hub.key_store.deposit_keys()
        assert gone.secret is None
        assert hub.opens("md", paper)


class TestKeyEncryption:
    def test_it_is_renewed_while_the_service_goes_on(self, hub: SealedSimulation) -> None:
        consent(hub, *grant("md"))
        need(hub)
        hub.serve()
        hub.kek_set = hub.kek_set.rotated("kek-2")
        newer = need(hub, SKILLS)
        hub.serve()
        assert hub.key_store.wrapped_under("kek-2") == 1
        assert wrap_anew(hub.key_store, hub.kek) == 3
        hub.kek_set = hub.kek_set.without("kek-1")
        later = need(hub, HOUSING, epoch=2)
        hub.serve()
        assert hub.opens("md", newer)
        assert hub.opens("md", later)


def asks(hub: SealedSimulation, unit: str, *, own: bool = False) -> None:
    """A unit asks for its feed, or for its own messages, again."""
    facts = ReplayRequested(shard=0, generation=1, from_sequence=1, scope="own" if own else "feed")
    hub.say(unit, facts, subject=None)

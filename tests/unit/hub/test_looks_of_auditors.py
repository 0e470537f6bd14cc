"""That an auditor looked is evidence like all else: only the hub may say so, it needs no cause in the log, and a replay shows it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from contracts.codes import RefusalCode
from contracts.ledger import policy as policies
from contracts.messages.access import RecordAudited
from contracts.names import ActorId, MessageId
from hub.audit.findings import FindingCode
from hub.audit.replay import replay
from hub.audit.verification import verify
from tests.simulation.ended_consent import paper_of
from tests.simulation.exported import POLICY, exported
from tests.simulation.programme import KAREL, START, Simulation

if TYPE_CHECKING:
    from pathlib import Path

    from contracts.names import GroundId

NOON = START + timedelta(days=39)


def look(**changes: object) -> RecordAudited:
    said = {"reader": ActorId("auditor/dpo-1"), "purpose_of_audit": "complaint", "shown": "path", "until": NOON}
    return RecordAudited.model_validate(said | changes)


@pytest.fixture
def hub() -> Simulation:
    """A consent, of which nobody has looked at anything yet."""
    simulation = Simulation()
    simulation.publish_trust_list()
    simulation.clock.at = NOON
    consent: GroundId = simulation.next_id()  # type: ignore[assignment] # both are UUIDs
    simulation.say("op", paper_of(consent))
    return simulation


def looked(hub: Simulation, facts: RecordAudited, name: str = "audit/1") -> MessageId:
    """The hub says it, as its auditor's page does."""
    message_id, signed = hub.programme.voice.say(facts, name=name, at=hub.clock.at, subject=KAREL)
    hub.take([hub.record(signed, KAREL)])
    return message_id


def test_an_auditors_look_stands_in_the_log_and_an_audit_asks_for_no_cause_of_it(
    hub: Simulation, tmp_path: Path
) -> None:
    before = len(hub.shard.log)
    looked(hub, look())
    looked(hub, look())
    assert len(hub.shard.log) == before + 1, "said twice under one name, it happened once"
    bundle = exported(hub, tmp_path / "export")
    assert verify(bundle, policies.parse(POLICY)).findings == []
    (found,) = replay(bundle, KAREL, hub.clock.at).audits
    assert (found.at, found.facts.reader, found.facts.purpose_of_audit) == (NOON, "auditor/dpo-1", "complaint")


def test_no_unit_can_say_that_an_auditor_looked(hub: Simulation) -> None:
    said = hub.say("op", look())
    hub.relay_all()
    assert hub.receipt("op", said).code is RefusalCode.NOT_ENTITLED


def test_what_else_the_hub_says_of_a_client_still_needs_a_cause(hub: Simulation, tmp_path: Path) -> None:
    from contracts.messages.hub import ConsentExpiryAnnounced  # noqa: PLC0415 - the one test that needs it

    consent = next(iter(hub.intake._files.open([KAREL])[KAREL].path.grounds))  # type: ignore[index, list-item] # a subject is a key
    facts = ConsentExpiryAnnounced(consent_id=consent, expiring=1, until=NOON)
    _, signed = hub.programme.voice.say(facts, name="out-of-the-blue", at=hub.clock.at, subject=KAREL)
    hub.take([hub.record(signed, KAREL)])
    found = verify(exported(hub, tmp_path / "export"), policies.parse(POLICY)).findings
    assert FindingCode.UNFOUNDED in {one.code for one in found}


def test_a_look_over_a_period_that_ends_before_it_begins_cannot_be_said() -> None:
    with pytest.raises(ValidationError, match="later than until"):
        look(since=NOON + timedelta(seconds=1))

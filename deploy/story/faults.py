"""What goes wrong in the story, and what is done beside it. Each leaves what it observed in `exports/`, taken from the databases.

Invariants: a fault is done to real processes by signals, addresses and records on the broker; nothing is pretended.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from confluent_kafka import Producer

from adapters.desk.actions.consents import evidence_hash
from adapters.desk.message_ids import MessageIds
from adapters.drafts import ClientKey, Draft
from adapters.process.showing import lease_of
from adapters.settings import load_settings
from adapters.storage.outbox import OutboxMessage, OutboxState
from contracts.categories import Category
from contracts.envelope import compose
from contracts.facts import Facts
from contracts.grants import Grant, to_unit
from contracts.kafka_record import to_headers
from contracts.keys import KeyUse, SigningKey
from contracts.messages.client import ClientContent, ClientEnrolled
from contracts.messages.consent import ConsentContent, ConsentGiven
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.referral import ReferralAccepted
from contracts.names import GroundId, MessageId, ProgrammeId, SubjectId, UnitId, source_of
from contracts.pae import PayloadType
from contracts.partition import partition_of
from contracts.signed_bytes import SignedBytes, sign_one
from deploy.hmis_sample import write_hmis_sample
from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.story.clock import A_DAY
from deploy.story.errors import StoryError
from deploy.story.places import CLAIMS, INSTITUTION_OF, MD, OP, PARTITIONS, PROGRAMME, UP
from projections import timeline

if TYPE_CHECKING:
    from deploy.story.stage import TownStage

BACKLOG: Final = 150
"""Clients whose consents the advice office enters on one day."""
_SAMPLE_CLIENTS: Final = 400
_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_EXPORT: Final = Path("data/hmis/datalab-fy24-in")
_PRODUCE_SECONDS: Final = 20.0
_CONSENT_LASTS: Final = 400 * A_DAY
"""Beyond the end of the story."""


class Faults:
    """The mishaps of the script, done to the real processes."""

    def __init__(self, stage: "TownStage") -> None:
        self._stage = stage
        self._premises = stage.premises
        self._ids = MessageIds()

    def import_export(self) -> None:
        """Import a real export at the city, else one of the same shape; nobody in it has consented to anything."""
        folder = Path(os.environ.get("SPOJKA_SHARED", _REPOSITORY.parent / "shared")) / _EXPORT
        if not folder.is_dir():
            folder = self._premises.folder / "hmis-sample"
            write_hmis_sample(folder, clients=_SAMPLE_CLIENTS)
        report = self._premises.adapter_command(
            INSTITUTION_OF[MD], "import", str(folder), "--mapping", "hmis", "--unit", MD, "--json"
        )
        (self._premises.exports / "observed-import.json").write_text(report)

    def forge(self) -> None:
        """A consent that opens everything to the claims unit, under OP's name and key id, signed with another key."""
        own = self._stage.houses[OP].desk.signer.key
        payload = self._message(ProgrammeId(PROGRAMME), OP, _subject_of(self._stage, OP), self._opening_to(CLAIMS))
        forged = sign_one(payload, SigningKey.generate(OP, KeyUse.MESSAGES), PayloadType.CLOUDEVENT)
        self._send(SignedBytes(payload, own.key_id, forged.signature, forged.proof), _subject_of(self._stage, OP))

    def stray(self) -> None:
        """A message of another programme, rightly signed by the labour office, about somebody else."""
        subject = SubjectId("r1." + "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(26)))
        payload = self._message(ProgrammeId("brno"), UP, subject, self._opening_to(OP))
        self._send(sign_one(payload, self._stage.houses[UP].desk.signer.key, PayloadType.CLOUDEVENT), subject)

    def kill_hub(self) -> None:
        """OP enters its backlog at one stroke; as soon as the hub has committed some of it, the hub is killed."""
        before = self._position()
        desk = self._stage.houses[OP].desk
        recorded = list(desk.record_many(self._backlog(), bulk=False))
        self._stage.quiet.until(lambda: None if self._position() > before else "nothing of the backlog is decided")
        self._premises.hub.kill()
        with self._stage.houses[OP].store.read() as tx:
            counts = tx.outbox.counts()
        observed = {
            "messages": len(recorded),
            "decided": self._position() - before,
            "without_receipt": counts[OutboxState.WAITING] + counts[OutboxState.SENT],
        }
        self._note("hub-killed", observed)
        self._premises.start_hub()

    def cut_line(self) -> None:
        """The labour office's adapter starts anew and finds nobody at the broker's address."""
        institution = INSTITUTION_OF[UP]
        self._stage.away.add(UP)
        self._premises.adapters[institution].stop()
        self._premises.lead_nowhere(institution)
        self._premises.start_adapter(institution)

    def look_offline(self) -> None:
        """What the labour office sees of Karel while its line is down."""
        house = self._stage.houses[UP]
        now = self._premises.clock.now()
        with house.store.read() as tx:
            lease = lease_of(tx, length=load_settings(self._premises.home(INSTITUTION_OF[UP])).lease, shards=1)
            counts = tx.outbox.counts()
        overviews = house.overviews()
        with overviews.look() as connection:
            seen = timeline.entries(connection, _subject_of(self._stage, UP), others_visible=lease.hidden(now) is None)
        overviews.close()
        until = lease.until()
        observed = {
            "at": now.isoformat(),
            "hidden": lease.hidden(now),
            "own": sum(one.author == UP for one in seen),
            "others": sum(one.author != UP for one in seen),
            "waiting": counts[OutboxState.WAITING],
            "lease_until": None if until is None else until.isoformat(),
            "hidden_after_lease": None if until is None else lease.hidden(until + A_DAY),
        }
        self._note("line-down", observed)

    def mend_line(self) -> None:
        """The address is right again."""
        self._premises.tell_address(INSTITUTION_OF[UP])
        self._stage.away.discard(UP)

    def lose_broker(self) -> None:
        """MD accepts R2 while the hub is down; the broker has it, nobody has read it, and the broker loses everything.

        Down and not hung: what a hung hub has asked the broker for would still lie in its socket when it wakes.
        """
        self._premises.hub.stop()
        recorded = self._stage.worker(MD).move("R2", ReferralAccepted)
        if recorded.message_id is None:
            raise StoryError(f"MD could not accept R2: {recorded.explanation}")
        sent = recorded.message_id
        self._stage.quiet.until(lambda: None if self._outgoing(sent).attempts else "MD's answer is not on its way")
        lost = self._outgoing(sent)
        self._lose_data()
        self._premises.tell_address()
        self._premises.start_hub()
        self._note("broker-lost", {"message": sent, "incarnation": lost.incarnation, "offset": lost.offset})

    def _lose_data(self) -> None:
        broker = self._premises.broker
        if isinstance(broker, EmbeddedBroker):
            broker.kill()
            broker.start()
        else:
            broker.wipe()
            self._premises.permit()

    def _outgoing(self, message_id: MessageId) -> OutboxMessage:
        with self._stage.houses[MD].store.read() as tx:
            found = tx.outbox.find(message_id)
        if found is None:
            raise StoryError(f"MD's outbox has no message {message_id}.")
        return found

    def _position(self) -> int:
        with psycopg.connect(self._premises.dsn, options="-c search_path=shard_0") as connection:
            row = connection.execute("SELECT position FROM head").fetchone()
        return int(row[0]) if row else 0

    def _backlog(self) -> Iterator[Draft]:
        at = self._premises.clock.now()
        for number in range(1, BACKLOG + 1):
            client = ClientKey(f"2025-{number:03}")
            facts, content = self._opening_to(MD, evidence=self._stage.ink("signed at the desk"))
            yield Draft(client, facts, at, content)
            who = ClientContent(given_name=self._stage.ink(f"Client {number}"))
            need = NeedContent(finding=self._stage.ink("Owes rent."))
            yield Draft(client, ClientEnrolled(status="not-stated"), at, who, category=Category.IDENTITY)
            yield Draft(
                client, NeedAssessed(dimension="housing", level="moderate"), at, need, category=Category.HOUSING
            )

    def _opening_to(self, unit: UnitId, *, evidence: str = "of a stranger") -> tuple[ConsentGiven, ConsentContent]:
        """A consent that opens OP's entries to a unit."""
        consent_id = GroundId(self._ids.next(self._premises.clock.now()))
        salt = secrets.token_hex(16)
        grant = Grant(
            sources=(OP,) if unit != OP else (UP,),
            recipient=to_unit(unit),
            categories=(Category.IDENTITY, Category.HOUSING),
            until=self._premises.clock.now() + _CONSENT_LASTS,
        )
        facts = ConsentGiven(
            consent_id=consent_id,
            recipient=grant.recipient,
            grants=(grant,),
            paper=("consent", "release-from-secrecy"),
            notice_version="1",
            evidence_hash=evidence_hash(evidence, salt),
            method="signed-paper",
        )
        return facts, ConsentContent(bundle_id=consent_id, evidence=evidence, salt=salt)

    def _message(
        self, programme: ProgrammeId, unit: UnitId, subject: SubjectId, said: tuple[Facts, ConsentContent]
    ) -> bytes:
        facts, content = said
        return compose(
            facts,
            id=self._ids.next(self._premises.clock.now()),
            source=source_of(programme, unit),
            time=self._premises.clock.now(),
            programme=programme,
            sequence=1,
            subject=subject,
            content=content,
        )

    def _send(self, signed: SignedBytes, key: str) -> None:
        """Put a record on the inbox, as anyone who may write there can."""
        producer = Producer({**self._premises.writer, "log_level": 0})
        partition = partition_of(key, PARTITIONS)
        producer.produce(
            "hub.inbox", value=signed.payload, key=key.encode(), partition=partition, headers=list(to_headers(signed))
        )
        if producer.flush(_PRODUCE_SECONDS):
            raise StoryError("The broker did not take a stranger's record.")

    def _note(self, name: str, observed: Mapping[str, object]) -> None:
        (self._premises.exports / f"observed-{name}.json").write_text(json.dumps(observed, indent=2))


def _subject_of(stage: "TownStage", unit: UnitId) -> SubjectId:
    with stage.houses[unit].store.read() as tx:
        subject = tx.clients.subject_of(stage.worker(unit).client)
    if subject is None:
        raise StoryError(f"{unit} does not know Karel.")
    return subject

"""A hub's log as it lies on PostgreSQL's disk: what a thief reads there, and what is left after an erasure."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.dsse import to_envelope
from contracts.grants import Grant, to_unit
from contracts.ledger import policy as policies
from contracts.messages.erasure import ErasureRequested
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.referral import ReferralSent
from contracts.names import GroundId, MessageId, RecordKey, ReferralId, UnitId
from contracts.pae import PayloadType
from deploy.servers.postgres import PostgresServer
from hub.application.feed_voice import FeedVoice
from hub.application.intake import Intake
from hub.application.relay import Relay
from hub.audit.bundle import Bundle, Manifest, Row
from hub.audit.bundle_writing import write
from hub.audit.exporting import rows_with_keys
from hub.audit.replay import replay
from hub.audit.stored_events import event_of
from hub.audit.verification import verify
from hub.domain.events import MessageAccepted
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.migrate import migrate
from hub.infrastructure.postgres.read_models import ReadModels
from hub.infrastructure.postgres.relay_store import PostgresRelayStore
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.settings import DEFAULTS
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.stored_log import StoredLog
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from tests.integration.store_samples import sealing_mapper
from tests.simulation.exported import POLICY, note_over
from tests.simulation.programme import DECIN, KAREL, START, Simulation

HOUSING = Category.HOUSING


class Stored:
    """A simulated hub whose writer and relay keep everything in PostgreSQL."""

    def __init__(self, shard: ShardDatabase, mapper: EventMapper) -> None:
        self.shard, self.mapper = shard, mapper
        self.hub = Simulation()
        self.sessions: list[WriterSession] = []
        self.begin()
        self.hub.publish_trust_list()
        self.hub.clock.at = START + timedelta(days=10)

    def begin(self) -> None:
        """Writer and relay of new processes."""
        self.end()
        hub = self.hub
        session, relaying = WriterSession(self.shard, Role.WRITER), WriterSession(self.shard, Role.RELAY)
        self.sessions = [session, relaying]
        for one in (session, relaying):
            one.try_acquire()
        store = PostgresWriterStore(session, self.mapper)
        hub.intake = Intake(store, hub.programme.caught_up(store), hub.clock)
        hub.intake.take_over()
        voice = FeedVoice(DECIN, hub.feed_key)
        hub.relay = Relay(PostgresRelayStore(relaying, self.mapper), hub.programme, voice, hub.clock)
        hub.relay.take_over()

    def end(self) -> None:
        for session in self.sessions:
            session.close()

    def share(self) -> None:
        grant = Grant(
            sources=(UnitId("op"),),
            recipient=to_unit(UnitId("up")),
            categories=(HOUSING,),
            history_from=START,
            until=self.hub.clock.at + timedelta(days=90),
        )
        facts = on_paper(GroundId(self.hub.next_id()), grant)
        self.hub.say("op", facts)

    def refer(self, code: str) -> MessageId:
        """An ordinary code, which nobody seals."""
        sent = ReferralSent(
            referral_id=ReferralId(self.hub.next_id()),
            kind="referral",
            target=UnitId("up"),
            answer_due=self.hub.clock.at + timedelta(days=9),
            service=code,
        )
        return self.hub.say("op", sent, category=HOUSING)

    def rows(self) -> list[Row]:
        session = Session(self.shard)
        position = len(StoredLog(session).rows(0, limit=1000))
        found = list(rows_with_keys(StoredLog(session).by_record_key(position), self.mapper, session))
        session.close()
        return found


@pytest.fixture
def shard(quick_database: str) -> ShardDatabase:
    migrate(quick_database, 0)
    return ShardDatabase(quick_database, 0, replace(DEFAULTS, session_seconds=60))


@pytest.fixture
def stored(shard: ShardDatabase) -> Iterator[Stored]:
    made = Stored(shard, sealing_mapper())
    made.share()
    yield made
    made.end()


def on_disk(server: PostgresServer, shard: ShardDatabase, word: str) -> set[str]:
    """In which files of PostgreSQL, write-ahead log included, a word stands."""
    with psycopg.connect(shard.dsn, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    files = [path for path in server.data_dir.rglob("*") if path.is_file()]
    return {path.name for path in files if any(one in path.read_bytes() for one in _spelled(word))}


def _spelled(word: str) -> list[bytes]:
    """As it is, and as base64 spells it wherever it begins; the ends of a run depend on what stands beside."""
    shifted = (urlsafe_b64encode(b" " * shift + word.encode())[4 if shift else 0 : -4] for shift in range(3))
    return [word.encode(), *shifted]


@pytest.mark.parametrize("encrypted", [True, False])
def test_who_carries_off_the_disk_reads_no_code_and_no_words(
    quick_postgres_server: PostgresServer, shard: ShardDatabase, *, encrypted: bool
) -> None:
    code, words = f"k{secrets.token_hex(8)}", f"w{secrets.token_hex(8)}"
    made = Stored(shard, sealing_mapper() if encrypted else EventMapper())
    made.share()
    made.refer(code)
    content = NeedContent(finding=words)
    name, signed = made.hub.message("op", NeedAssessed(dimension="housing"), category=HOUSING, content=content)
    made.hub.take([made.hub.record(signed, KAREL)])
    made.hub.relay_all()
    made.end()
    assert made.hub.receipt("op", name).verdict == "accepted"
    for word in (code, words):
        assert bool(on_disk(quick_postgres_server, shard, word)) is not encrypted


def test_after_an_erasure_every_part_of_the_hub_goes_on_and_reads_erased(stored: Stored) -> None:
    hub = stored.hub
    before = [stored.refer("counselling") for _ in range(3)]
    hub.relay_all()
    hub.report_all()
    leaves = {row.position: row.state for row in stored.rows()}
    hub.say("op", ErasureRequested())
    stored.begin()
    after = stored.refer("counselling")
    hub.relay_all()
    hub.report_all()
    session = Session(stored.shard)
    read = [one.event for one in LogReading(session, sealing_mapper()).read(0, limit=1000)]
    gone = [one.outline.message_id for one in read if isinstance(one, MessageAccepted) and one.erased and one.outline]
    assert gone == before
    assert hub.given_to(after) == {"up"}
    assert all(hub.receipt("op", name).verdict == "accepted" for name in before)
    models = ReadModels(stored.shard, sealing_mapper())
    models.prepare()
    models.catch_up()
    assert all(one.items == 0 for one in models.lag(hub.clock.at).values())
    models.close()
    assert leaves.items() <= {row.position: row.state for row in stored.rows()}.items()
    session.close()


def test_an_auditor_holds_the_same_ledger_and_reads_erased_where_content_was(stored: Stored, tmp_path: Path) -> None:
    hub = stored.hub
    code = f"k{secrets.token_hex(8)}"
    (name,) = [stored.refer(code)]
    hub.relay_all()
    hub.report_all()
    for erase in (False, True):
        if erase:
            hub.say("op", ErasureRequested())
            hub.relay_all()
            hub.report_all()
        rows = stored.rows()
        ordered = sorted(rows, key=lambda row: row.position)
        folder, first = tmp_path / f"{erase}", to_envelope(hub.signed_list, PayloadType.TRUST_LIST)
        manifest = Manifest(programme=DECIN, shard=0, size=len(rows))
        write(folder, manifest, rows, note=note_over(ordered), first_list=first)
        bundle = Bundle.open(folder)
        assert verify(bundle, policies.parse(POLICY)).findings == []
        shown = replay(bundle, KAREL, hub.clock.at + timedelta(days=1))
        (entry,) = [one for one in shown.entries if one.message_id == name]
        assert (entry.erased is not None) is erase
        assert [one.unit for one in entry.seen] == ["up"]
        opened = b"".join(repr(one).encode() for one in _events(bundle))
        assert (code.encode() in opened) is not erase


def _events(bundle: Bundle) -> list[object]:
    group = bundle.group(RecordKey(KAREL))
    assert group is not None
    return [event_of(row) for row in bundle.rows(group.place)]


def test_no_wrapped_key_of_what_was_erased_is_left(stored: Stored) -> None:
    stored.refer("counselling")
    with stored.shard.connect(name="test") as connection:
        query = "SELECT count(*) FROM log_key WHERE record_key = %s AND secret IS NOT NULL"
        assert connection.execute(query, [KAREL]).fetchall() == [(1,)]
        stored.hub.say("op", ErasureRequested(categories=(HOUSING,)))
        ended = connection.execute(query, [KAREL]).fetchall()
    assert ended == [(1,)], "the end of the referral is new, and under a new key"

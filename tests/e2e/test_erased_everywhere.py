"""After an erasure nothing of the client is left but with the authors themselves, and the proof record is as it was.

The whole story on real Kafka with TLS, each unit writing with a mark of its own; then the client has everything erased at the advice office. Scanned
is every byte of what the broker, both databases, the hub, the key service and the units left, once the certificate's second date has come and
what it speaks of has been done: retention at the broker, a vacuum and new write-ahead logs at the databases.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined] # confluent does not mark what it exports
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from psycopg.conninfo import conninfo_to_dict

from adapters.drafts import ClientKey
from contracts.messages.erasure import ErasureCarriedOut
from contracts.names import SubjectId
from deploy.servers.errors import MissingComponentError
from deploy.servers.java import java
from deploy.servers.kafka_broker import KafkaBroker
from deploy.servers.kafka_jars import kafka_jars
from deploy.story.auditing import audit
from deploy.story.clock import morning
from deploy.story.faults import Faults
from deploy.story.ink import Ink
from deploy.story.places import INSTITUTION_OF, OP, UNITS
from deploy.story.playing import open_premises
from deploy.story.premises import Premises
from deploy.story.screens import Progress
from deploy.story.script import ROWS, START
from deploy.story.stage import TownStage
from deploy.story.stores import read_unit
from hub.application.ledger_tiles import LedgerTiles
from hub.infrastructure.tile_files import TileFiles

_PATIENCE = 120.0
_SEALED = slice(-900, -700)
"""Of a release's payload in base64: within the key that it seals, which stands last."""


@dataclass(frozen=True)
class Evidence:
    """What must not change: the tree of so many events, and their stored bytes."""

    size: int
    root: bytes
    stored: str


@pytest.fixture
def premises(tmp_path: Path) -> Iterator[Premises]:
    try:
        java()
        kafka_jars()
    except MissingComponentError as missing:
        pytest.skip(str(missing))
    with Premises(tmp_path / "town", kafka=True, start=morning(START)) as made:
        open_premises(made, Progress())
        yield made


@pytest.mark.kafka
@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.timeout(1800)
def test_after_an_erasure_only_the_authors_have_what_they_wrote_and_the_proof_record_is_unchanged(
    premises: Premises,
) -> None:
    ink = Ink(f"Mark{secrets.token_hex(9)}")
    with TownStage(premises, mishaps=Faults, ink=ink) as stage:
        stage.settle()
        stage.reload_directories()
        for row in ROWS:
            stage.play(row)
        before = evidence(premises)
        karel = read_unit(stage.houses[OP], client=UNITS[OP].case_number).karel
        assert karel is not None
        keys = secrets_of(premises, karel)
        checkpoint(premises)
        assert {one.partition(" ")[0] for one in found(premises, keys, {})} == {"key", "release"}, "nothing to erase"
        assert opened_of_others(stage, ink), "nobody had anything of anybody else"
        done = erased(stage)
        assert done.keys == sum(name.startswith("key ") for name in keys)
        stage.go_to(done.beyond_at + timedelta(days=1))
        stage.settle()
        assert opened_of_others(stage, ink) == []
        empty_what_the_certificate_names(premises)
        assert evidence(premises, size=before.size) == before
        assert audit(premises, stage.houses.values()).holds
        tables = tables_of(premises)
    premises.stop()
    assert found(premises, keys, tables) == []
    assert readers(premises, ink) == []
    assert [one for one in systems(premises) if ink.mark.encode() in one.read_bytes()] == []


def erased(stage: TownStage) -> ErasureCarriedOut:
    """The client asks; every unit that has to erase does, and says so; the certificate comes."""
    desk = stage.houses[OP].desk
    desk.ask_erasure(ClientKey(UNITS[OP].case_number))
    stage.settle()
    for unit in stage.houses:
        stage.worker(unit).answer_obligations()
    stage.settle()
    await_that(lambda: desk.erasures()[0].carried_out is not None)
    (asked,) = desk.erasures()
    assert asked.carried_out is not None
    return asked.carried_out


def evidence(premises: Premises, *, size: int = 0) -> Evidence:
    """The proof record, and the log below it as it is stored."""
    tiles = LedgerTiles(TileFiles(premises.folder / "hub" / "ledger" / "0"))
    head = tiles.latest()
    assert head is not None
    wanted = size or head.size
    with psycopg.connect(premises.dsn, options="-c search_path=shard_0") as connection:
        rows = connection.execute("SELECT state FROM log WHERE position < %s ORDER BY position", (wanted,)).fetchall()
    assert len(rows) == wanted
    return Evidence(wanted, tiles.tree(wanted).root, sha256(b"".join(state for (state,) in rows)).hexdigest())


def secrets_of(premises: Premises, client: SubjectId) -> dict[str, bytes]:
    """Of every content key about a client, but for its parties' own, the bytes as they are stored; of every release, part of what is sealed."""
    about = "SELECT key_id, secret FROM content_key WHERE record_key = %s AND scope <> 'parties'"
    with psycopg.connect(premises.keys_dsn, options="-c search_path=shard_0") as connection:
        keys = connection.execute(about, (client,)).fetchall()
        names = [name for name, _ in keys]
        releases = connection.execute("SELECT number, signed FROM release WHERE key_id = ANY (%s)", (names,)).fetchall()
    sealed = {f"release {number}": json.loads(signed)["payload"].encode()[_SEALED] for number, signed in releases}
    return {f"key {name}": secret for name, secret in keys} | sealed


def tables_of(premises: Premises) -> dict[str, str]:
    """Which table a file of the databases is."""
    named: dict[str, str] = {}
    for dsn in (premises.dsn, premises.keys_dsn):
        with psycopg.connect(premises.postgres.dsn(str(conninfo_to_dict(dsn)["dbname"]))) as one:
            rows = one.execute("SELECT pg_relation_filepath(oid), relname FROM pg_class WHERE relfilenode <> 0")
            named |= {f"postgres/{path}": name for path, name in rows}
    return named


def empty_what_the_certificate_names(premises: Premises) -> None:
    """What time does in a real town: the broker's retention, vacuums, checkpoints, and write-ahead logs that are not needed any more."""
    assert isinstance(premises.broker, KafkaBroker)
    admin = AdminClient(dict(premises.broker.administrator.items()))
    topics = [name for name in admin.list_topics(timeout=20).topics if name == "hub.inbox" or name.startswith("feed.")]
    change = [ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)]
    wanted = [ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=change) for name in topics]
    for told in admin.incremental_alter_configs(wanted).values():
        told.result(20)
    for dsn in (premises.dsn, premises.keys_dsn):
        with psycopg.connect(premises.postgres.dsn(str(conninfo_to_dict(dsn)["dbname"])), autocommit=True) as one:
            one.execute("VACUUM FULL")
    with psycopg.connect(premises.postgres.dsn(), autocommit=True) as one:
        one.execute("ALTER SYSTEM SET wal_recycle = off")
        one.execute("SELECT pg_reload_conf()")
        folder = premises.folder / "postgres" / "pg_wal"
        old = {file.name for file in folder.iterdir() if file.is_file()}
        while old & {file.name for file in folder.iterdir()}:
            one.execute("SELECT pg_logical_emit_message(true, 'test', 'on')")
            one.execute("SELECT pg_switch_wal()")
            one.execute("CHECKPOINT")
    await_that(lambda: not any(file.stat().st_size for file in segments(premises, topics)))


def segments(premises: Premises, topics: Sequence[str]) -> Iterator[Path]:
    """The broker's files of records of these topics."""
    for file in (premises.folder / "broker").rglob("*.log"):
        if file.parent.name.rpartition("-")[0] in topics or file.parent.name.endswith("-delete"):
            yield file


def systems(premises: Premises) -> list[Path]:
    """Every file of what is nobody's own: broker, both databases, hub, key service, logs."""
    parts = [premises.folder / part for part in ("broker", "postgres", "logs", "hub", "keys", "exports/audit-bundle")]
    return [file for part in parts for file in part.rglob("*") if file.is_file()]


def checkpoint(premises: Premises) -> None:
    """Let the databases write what they have into their files."""
    with psycopg.connect(premises.postgres.dsn(), autocommit=True) as one:
        one.execute("CHECKPOINT")


def found(premises: Premises, needles: Mapping[str, bytes], tables: Mapping[str, str]) -> list[str]:
    """Files of the systems that hold any of these, with what it is."""
    places = []
    for file in systems(premises):
        content, place = content_of(file), str(file.relative_to(premises.folder))
        places += [f"{what} in {tables.get(place, place)}" for what, one in needles.items() if one in content]
    return places


def content_of(file: Path) -> bytes:
    """What a file holds; nothing where what runs has just removed it."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def readers(premises: Premises, ink: Ink) -> list[str]:
    """Files of a unit that hold what another one wrote."""
    return [
        str(file.relative_to(premises.folder))
        for unit in UNITS
        for file in (premises.home(INSTITUTION_OF[unit]) / "units" / unit).rglob("*")
        if file.is_file() and holds(file.read_bytes(), others(ink, unit))
    ]


def others(ink: Ink, unit: str) -> list[bytes]:
    """The marks of all units but one."""
    return [ink.of(one).own.encode() for one in UNITS if one != unit]


def holds(content: bytes, needles: Sequence[bytes]) -> bool:
    """Whether any of these stands there."""
    return any(one in content for one in needles)


def opened_of_others(stage: TownStage, ink: Ink) -> list[str]:
    """Entries in a unit's journal that hold what another one wrote."""
    places = []
    for unit, house in stage.houses.items():
        with house.store.read() as tx:
            entries = tx.journal.since(0, limit=10_000)
        places += [
            f"{unit}: {one.kind} {one.category} {one.message_id}"
            for one in entries
            if holds(one.payload or b"", others(ink, unit))
        ]
    return places


def await_that(condition: Callable[[], object]) -> None:
    """Look until it is so."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.1)  # between two looks at what other processes do

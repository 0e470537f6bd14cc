"""`spojka-hub restore …`: the drill after a database was restored from a backup (deploy/restoring.md).

Invariants: `begin` looks whether the backup is one of this log, and what the inbox still holds; between `begin` and `resume` intake alone goes on;
`resume` opens the flow only when all that the inbox held was read again, and what it no longer held was sent again by those who keep it. Run as the
owner of the tables.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final

import typer

from contracts.ledger.entry import leaf_of
from contracts.ledger.frontier import Frontier
from hub.application.ledger_tiles import LedgerTiles
from hub.application.restoration import RestoredError
from hub.domain.shards import partitions_of
from hub.entrypoints.cli.opening import Home, house_of, listed_of, out
from hub.entrypoints.house import House
from hub.entrypoints.inbox_look import InboxLook, look_at_inbox
from hub.entrypoints.ledger_files import files_of, published_of
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.restorations import Restoration, Restorations
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.stored_log import StoredLog

app = typer.Typer(
    no_args_is_help=True,
    help="After the database was restored from a backup: what to do before anything is given again.",
)
_CHUNK: Final = 4096

LostLedger = Annotated[
    bool, typer.Option("--lost-ledger", help="The ledger's files are lost, or were restored too: it cannot tell.")
]
SentAgain = Annotated[
    bool,
    typer.Option("--sent-again", help="Every unit has run `spojka-adapter send-again`: the inbox had lost some of it."),
]


@dataclass(frozen=True, slots=True)
class _Shard:
    """One shard, as the owner of its tables sees it."""

    house: House
    session: Session

    @property
    def number(self) -> int:
        return self.session.database.shard

    @property
    def rows(self) -> Restorations:
        return Restorations(self.session)

    @property
    def partitions(self) -> list[int]:
        listed = listed_of(self.house)
        return partitions_of(self.number, partitions=listed.partitions, shards=listed.shards)

    def begun(self) -> Restoration | None:
        """The restore that is under way."""
        standing = self.rows.standing(None)
        return next((one for one in self.rows.all() if one.generation > standing.generation), None)

    def look(self) -> InboxLook:
        """What the inbox holds of what came since."""
        stored = LogReading(self.session, EventMapper()).input_positions()
        return asyncio.run(look_at_inbox(self.house, stored, self.partitions))

    def unread(self, restoration: Restoration) -> list[int]:
        """Partitions that were not read up to where they ended when the restore was begun."""
        stored = LogReading(self.session, EventMapper()).input_positions()
        reached = {one.partition: one.next_offset for one in stored if one.incarnation == restoration.cluster}
        return [number for number, end in sorted(restoration.ends.items()) if reached.get(number, 0) < end]


@app.command()
def begin(
    lost_ledger: LostLedger = False,  # noqa: FBT002 - a command-line flag
    home: Home = None,
) -> None:
    """First, before the hub runs: see that this is a backup of this log, note what the inbox holds, and let intake read it."""
    with _shards(house_of(home)) as shards:
        for one in shards:
            if one.begun() is None:
                _begin(one, lost_ledger=lost_ledger)
            _tell(one)


@app.command()
def check(home: Home = None) -> None:
    """How far it is, and what is still missing."""
    with _shards(house_of(home)) as shards:
        for one in shards:
            _tell(one)


@app.command()
def resume(
    sent_again: SentAgain = False,  # noqa: FBT002 - a command-line flag
    home: Home = None,
) -> None:
    """Last: what was withdrawn and erased since the backup holds again; deliveries and keys may flow."""
    with _shards(house_of(home)) as shards:
        under_way = [(one, restoration) for one in shards if (restoration := one.begun()) is not None]
        if not under_way:
            raise RestoredError("No restore is under way.", advice="`spojka-hub restore begin` begins one.")
        for one, restoration in under_way:
            _hold_up(one, restoration, sent_again=sent_again)
        for one, restoration in under_way:
            kept = _put_ledger_aside(one, restoration)
            one.rows.resume(restoration.generation)
            out.print(f"Shard {one.number}: generation {restoration.generation}; deliveries and keys flow. {kept}")
    out.print("Tell every unit that the proof record begins anew: it rings there, and a person dismisses the alarm.")


def _begin(shard: _Shard, *, lost_ledger: bool) -> None:
    published = published_of(shard.house, shard.number)
    position = shard.rows.reached().position
    if not lost_ledger:
        _see_backup(shard, published, position)
    look = shard.look()
    shard.rows.begin(
        at=shard.house.clock.now(), published=published, cluster=look.cluster, ends=look.ends, lost=look.lost
    )


def _see_backup(shard: _Shard, published: int, position: int) -> None:
    """That the log begins as its ledger says, and ends earlier or goes on otherwise. Raises `RestoredError`, `LedgerError`."""
    tiles, log, tree = LedgerTiles(files_of(shard.house, shard.number)), StoredLog(shard.session), Frontier()
    common = min(published, position)
    while tree.size < common:
        states = log.states(tree.size, limit=min(_CHUNK, common - tree.size))
        leaves = [leaf_of(number, sha256(state).digest()) for number, state in enumerate(states, start=tree.size)]
        tree = tree.extended(leaves)
    fits = tree.root == tiles.tree(common).root
    if position >= published and fits:
        raise RestoredError(
            f"The log of shard {shard.number} holds all that its ledger vouches for: no backup was put in its place.",
            advice="Where the ledger's folder was lost or restored too, say so: --lost-ledger.",
        )
    if position < published and not fits:
        raise RestoredError(
            f"This is not a backup of the log of shard {shard.number}: its first {position} events are not those in the ledger.",
            advice="Restore another backup, and find out who changed this one.",
        )


def _hold_up(shard: _Shard, restoration: Restoration, *, sent_again: bool) -> None:
    unread = shard.unread(restoration)
    if unread:
        raise RestoredError(
            f"Shard {shard.number}: intake has not read partition {', '.join(map(str, unread))} of the inbox to its end.",
            advice="Let `spojka-hub run --role intake` run; see `spojka-hub restore check`.",
        )
    if restoration.lost and not sent_again:
        raise RestoredError(
            f"Shard {shard.number}: the inbox no longer holds all that came since the backup (partition "
            f"{', '.join(map(str, restoration.lost))}): a withdrawal or an erasure may be missing.",
            advice="Have every unit run `spojka-adapter send-again`, then say --sent-again.",
        )


def _put_ledger_aside(shard: _Shard, restoration: Restoration) -> str:
    """The ledger vouched for what is lost: it stays as evidence, and another one begins."""
    folder = files_of(shard.house, shard.number).folder
    aside = folder.with_name(f"{folder.name}.until-generation-{restoration.generation}")
    if not folder.exists():
        return "There is no ledger here to put aside."
    folder.rename(aside)
    return f"Its ledger until now is kept in {aside}."


def _tell(shard: _Shard) -> None:
    restoration = shard.begun()
    position = shard.rows.reached().position
    published = published_of(shard.house, shard.number)
    if restoration is None:
        state = "older than its ledger: `spojka-hub restore begin`" if position < published else "no restore under way"
        out.print(f"Shard {shard.number}: {position} events, the ledger vouches for {published}; {state}.")
        return
    unread = shard.unread(restoration)
    out.print(
        f"Shard {shard.number}: restored with {restoration.position} events of {restoration.published}; "
        f"{position - restoration.position} recorded since. Inbox: {len(unread)} of {len(restoration.ends)} partitions still to read, "
        f"{len(restoration.lost)} with losses."
    )
    if not unread:
        needs = " --sent-again, once every unit has run `spojka-adapter send-again`" if restoration.lost else ""
        out.print(f"Shard {shard.number} is ready: `spojka-hub restore resume`{needs}.")


@contextmanager
def _shards(house: House) -> Iterator[list[_Shard]]:
    with ExitStack() as closing:
        shards = []
        for number in range(listed_of(house).shards):
            session = Session(ShardDatabase(house.settings.database, number), name="restore")
            closing.callback(session.close)
            shards.append(_Shard(house, session))
        yield shards

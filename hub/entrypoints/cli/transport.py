"""`spojka-hub transport …`: certificates, and users and permissions at the brokers and the database.

Invariant: whatever is renewed works beside what it replaces until that is retired, so that nothing has to stand still.
"""

import re
import ssl
import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.table import Table

from contracts.names import InstitutionId, UnitId
from hub.application.ports import HubError
from hub.entrypoints.cli.list_files import newest
from hub.entrypoints.cli.opening import Home, house_of, listed_of, out, telling
from hub.entrypoints.house import FIRST_LIST
from hub.entrypoints.settings import HubSettings, load_settings
from hub.infrastructure.postgres.database_users import DatabaseUsers
from hub.infrastructure.transport.authority import Authority, Holder, Kind
from hub.infrastructure.transport.broker_access import BrokerAccess, sign_in_of
from hub.infrastructure.transport.broker_users import Applied, BrokerUsers

FOLDER: Final = "transport"
ADMINISTRATOR: Final = "admin.properties"
OPERATOR: Final = "operator"
DATABASE_USERS: Final = "database-users"
_Found = TypeVar("_Found")
_TAKE_OVER: Final = 10.0
"""Seconds in which a broker has loaded what it was told to."""
app = typer.Typer(no_args_is_help=True, help="Certificates; users and permissions at the brokers and the database.")

Admin = Annotated[
    Path | None,
    typer.Option(
        help="How an administrator signs in at the brokers: librdkafka settings, name=value a line, mode 600. "
        f"Default: {FOLDER}/{ADMINISTRATOR} in the home, where there is one."
    ),
]


class TransportCommandError(HubError):
    """What was asked for names nobody, or nobody may ask the brokers."""


class Renewed(StrEnum):
    """What can be renewed while everything runs."""

    AUTHORITY = "authority"
    CERTIFICATES = "certificates"
    PASSWORDS = "passwords"


class Retired(StrEnum):
    """What is let go when nothing needs it any more."""

    AUTHORITY = "authority"
    PASSWORDS = "passwords"


@app.command()
def apply(
    broker: Annotated[
        list[str] | None, typer.Option(help="A broker and where it is reached: NAME=HOST[,HOST…]. Once for each.")
    ] = None,
    server: Annotated[
        list[str] | None, typer.Option(help="Another server that needs a certificate (PostgreSQL, an adapter's API).")
    ] = None,
    admin: Admin = None,
    home: Home = None,
) -> None:
    """Make what is missing: authority and certificates; and, where an administrator's sign-in is there, users and permissions by the trust list."""
    settings = load_settings(home=home)
    authority = authority_of(settings)
    now = datetime.now(UTC)
    if authority.begin(at=now):
        out.print(f"Made an authority in {authority.folder}. Back up its folder `authority` as you do the root key.")
    holders = [
        Holder(OPERATOR, kind=Kind.CLIENT),
        *(_holder(one, Kind.BROKER) for one in broker or ()),
        *(_holder(one, Kind.SERVER) for one in server or ()),
    ]
    there = {(one.kind, one.name): one.hosts for one in authority.issued()}
    for holder in holders:
        if set(there.get((holder.kind, holder.name), ("",))) != set(holder.hosts):
            out.print(f"Certificate and key of {holder.name}: {authority.issue(holder, at=now)}")
    users = _users(settings, authority, admin)
    if users is None:
        out.print(
            f"Users and permissions wait for an administrator's sign-in at the brokers: write {authority.folder / ADMINISTRATOR}, "
            "or name one by --admin."
        )
        return
    _tell(users.apply())
    out.print(f"Hand to each institution its folder below {authority.folder / 'hand-over'}.")


@app.command()
def database(
    renew: Annotated[bool, typer.Option(help="New passwords too: they hold from each process's next sign-in.")] = False,  # noqa: FBT002 - a command-line flag
    home: Home = None,
) -> None:
    """Make a database user for each part of the hub, with what it needs and nothing else. SPOJKA_HUB_DATABASE signs in as the tables' owner."""
    house = house_of(home)
    folder = house.settings.database_users or house.settings.home / FOLDER / DATABASE_USERS
    made = DatabaseUsers(house.settings.database, folder).make(shards=listed_of(house).shards, renew=renew)
    out.print(
        f"Privileges are set. Passwords made: {', '.join(made) or 'none'}, in {folder} (SPOJKA_HUB_DATABASE_USERS)."
    )


@app.command()
def rotate(
    what: Annotated[Renewed, typer.Argument(help="What to renew.")], admin: Admin = None, home: Home = None
) -> None:
    """Renew while everything runs: what is in use works on until it is retired."""
    settings = load_settings(home=home)
    authority = authority_of(settings)
    now = datetime.now(UTC)
    users = _users(settings, authority, admin)
    if what is Renewed.PASSWORDS:
        _tell(_needed(users).rotate())
        out.print("Hand out the new files, then `spojka-hub transport retire passwords`.")
        return
    if what is Renewed.AUTHORITY:
        authority.renew(at=now)
        if users is not None:
            users.hand_over()
        out.print(
            f"A new authority is trusted beside the old one in {authority.trusted}. Give that file to every broker and adapter, have the brokers "
            "load it (`spojka-hub transport load`), and only then `spojka-hub transport rotate certificates`."
        )
        return
    for one in authority.issued():
        authority.issue(Holder(one.name, one.hosts, one.kind), at=now)
    out.print("Every certificate is renewed. Put them where their servers read them, then `spojka-hub transport load`.")


@app.command()
def retire(
    what: Annotated[Retired, typer.Argument(help="What to let go.")], admin: Admin = None, home: Home = None
) -> None:
    """Let go what was replaced: earlier passwords end at once, an earlier authority when `ca.pem` is handed out and loaded."""
    settings = load_settings(home=home)
    authority = authority_of(settings)
    users = _users(settings, authority, admin)
    if what is Retired.PASSWORDS:
        _tell(_needed(users).retire())
        return
    out.print(f"{authority.retire()} authority(ies) dropped from {authority.trusted}.")
    if users is not None:
        users.hand_over()


@app.command()
def load(admin: Admin = None, home: Home = None) -> None:
    """Have every broker read its certificate and whom it trusts again, without a restart."""
    authority = authority_of(load_settings(home=home))
    brokers = _needed(_access(authority, admin)).load_certificates()
    end = time.monotonic() + _TAKE_OVER
    with telling("Waiting until the brokers show their new certificates …"):
        while old := [f"{host}:{port}" for host, port in brokers if not authority.is_current(_shown(host, port))]:
            if time.monotonic() > end:
                raise TransportCommandError(
                    f"Still with another certificate: {', '.join(old)}.",
                    advice="Put the new files where the broker reads them; its log says what else keeps it from loading them.",
                )
            time.sleep(0.1)
    out.print(f"{len(brokers)} broker(s) show the certificates of {authority.folder}.")


@app.command()
def show(home: Home = None) -> None:
    """Every certificate, for whom, and until when."""
    table = Table("name", "kind", "reached as", "expires", "by the newest authority")
    for one in authority_of(load_settings(home=home)).issued():
        table.add_row(one.name, one.kind, ", ".join(one.hosts), f"{one.expires:%Y-%m-%d}", "yes" if one.current else "")
    out.print(table)


def authority_of(settings: HubSettings) -> Authority:
    """Where certificates are kept."""
    return Authority(settings.home / FOLDER)


def _users(settings: HubSettings, authority: Authority, admin: Path | None) -> BrokerUsers | None:
    """None where nobody can sign in as an administrator, or there is no programme yet."""
    access = _access(authority, admin)
    if access is None or not (settings.home / FIRST_LIST).exists():
        return None
    hosted = {UnitId(unit): InstitutionId(host) for unit, host in settings.hosted_units.items()}
    return BrokerUsers(access, authority.folder, directory=newest(settings.home), hosted=hosted)


def _access(authority: Authority, admin: Path | None) -> BrokerAccess | None:
    file = admin or authority.folder / ADMINISTRATOR
    return BrokerAccess(sign_in_of(file)) if admin is not None or file.exists() else None


def _needed(found: _Found | None) -> _Found:
    if found is None:
        raise TransportCommandError(
            "Nobody can sign in at the brokers as an administrator.",
            advice=f"Write {FOLDER}/{ADMINISTRATOR} in the home (librdkafka settings, name=value a line, mode 600), or name a file by --admin.",
        )
    return found


def _holder(written: str, kind: Kind) -> Holder:
    name, equals, hosts = written.partition("=")
    if not (equals and re.fullmatch(r"[a-z0-9-]{1,40}", name) and all(hosts.split(","))):
        raise TransportCommandError(
            f"{written} names nobody.", advice="Write NAME=HOST[,HOST…]: broker-1=kafka.example.org,10.0.0.5"
        )
    return Holder(name, hosts.split(","), kind)


def _tell(applied: Applied) -> None:
    for word, users in (("Made", applied.made), ("Dropped", applied.dropped)):
        if users:
            out.print(f"{word}: {', '.join(users)}.")
    out.print(f"Permissions: {applied.permitted} added, {applied.forbidden} taken away.")


def _shown(host: str, port: int) -> str:
    try:
        return ssl.get_server_certificate((host, port), timeout=_TAKE_OVER)
    except (OSError, ssl.SSLError) as error:
        raise TransportCommandError(
            f"{host}:{port} shows no certificate ({error}).", advice="Check that it runs."
        ) from error

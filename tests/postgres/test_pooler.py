"""Through pgbouncer in transaction mode: a connection is another one after each transaction."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from backstory.conformance.sample import decided, fact
from backstory.errors import StoreError
from backstory.history.check.verify import verify
from backstory.store import append, set_ref
from backstory.stores.postgres import PostgresStore
from backstory.values.query import Query
from tests.patience import until
from tests.postgres.server import NOBODY, running

CONFIG = """
[databases]
postgres = host={socket} port={port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 100
logfile = {folder}/log
pidfile = {folder}/pid
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where a pgbouncer listens that leads to the tests' server over three connections."""
    program = shutil.which("pgbouncer", path=os.environ["PATH"] + os.pathsep + "/usr/sbin")
    if program is None:
        pytest.skip("NOT TESTED THROUGH PGBOUNCER: apt install pgbouncer")
    folder = Path(tempfile.mkdtemp(prefix="backstory-pgbouncer-"))  # pytest's own are for its user only
    folder.chmod(0o777)
    server = running()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        own: int = probe.getsockname()[1]
    config = folder / "pgbouncer.ini"
    config.write_text(CONFIG.format(socket=server.socket, port=server.port, own=own, folder=folder))
    process = subprocess.Popen(
        [program, config], user=NOBODY if os.getuid() == 0 else None, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: process.poll() is not None or listens(own))
        assert process.poll() is None, (folder / "log").read_text()
        yield own
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def pooled(port: int, schema: str, more: str = "") -> str:
    return f"postgresql://postgres@127.0.0.1:{port}/postgres?schema={schema}{more}"


def test_a_store_is_made_written_and_read_through_a_pooler(port: int) -> None:
    """Many threads over two stores share three connections; every decision is judged, and nothing is lost."""
    stores = [PostgresStore(pooled(port, "pooled", "&prepare=off")) for _ in range(2)]

    def write(writer: int) -> None:
        log = stores[writer % 2].log()
        query, after = Query.of(tags=[f"writer:{writer}"]), 0
        for turn in range(20):
            event = fact("Wrote", f"writer:{writer}")
            after = append(log, decided(event, id=f"{writer}-{turn}", query=query, after=after))[0].position

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    log = stores[0].log()
    assert [event.position for event in log.read()] == list(range(1, 321))
    assert set_ref(stores[1], "a", "1", old=None)
    assert stores[0].refs.get("a") == "1"
    assert log.wait(0) == 320
    assert verify(stores[1]).problems == []
    for store in stores:
        store.close()


def test_a_pooler_is_noticed_and_gets_no_prepared_statements(port: int) -> None:
    with closing(PostgresStore(running().address("noticed"))) as direct:
        assert direct.server.prepares
    with closing(PostgresStore(pooled(port, "noticed", "&prepare=on"))) as told:
        assert told.server.prepares
    with closing(PostgresStore(pooled(port, "noticed"))) as store:
        assert not store.server.prepares


def test_what_a_pooler_mixed_up_is_reported_with_what_to_do(port: int) -> None:
    with (
        closing(PostgresStore(pooled(port, "mixed", "&prepare=on"))) as store,
        ThreadPoolExecutor(12) as pool,
    ):

        def work() -> None:
            for _ in range(100):
                list(pool.map(lambda _: store.log().head(), range(100)))

        with pytest.raises(StoreError, match="prepare=on"):
            work()

"""Real servers: several processes on one store, streams over a connection, and an end that comes at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.contrib.serving import running
from tests.patience import PATIENCE
from tests.postgres.schemas import hasty
from tests.postgres.server import schema_of


@contextmanager
def served(address: str, workers: int) -> Iterator[str]:
    """The helpdesk, served by uvicorn."""

    def command(port: int) -> list[str]:
        return [
            sys.executable, "-m", "uvicorn", "--port", str(port), "--workers", str(workers), "--log-level", "error",
            "--timeout-graceful-shutdown", "1", "examples.helpdesk.app:app",
        ]  # fmt: skip

    with running(command, "/desk.css", HELPDESK=address) as url:
        yield url


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_several_processes_serve_one_store(kind: str, tmp_path: Path) -> None:
    address = hasty(None).address(schema_of(tmp_path)) if kind == "postgres" else str(tmp_path / "desk.db")
    with served(address, workers=2) as url, httpx.Client(base_url=url, timeout=PATIENCE) as client:
        words = {"subject": "No light", "words": "It is dark."}
        headers = {"cookie": "name=Ann", "idempotency-key": "k-1"}

        def send(_: int) -> str:
            return httpx.post(f"{url}/api/tickets", json=words, headers=headers, timeout=PATIENCE).text

        with ThreadPoolExecutor(8) as threads:
            [once] = set(threads.map(send, range(8)))
        path = f"/api/tickets/{json.loads(once)['ids']['id']}"
        with client.stream("GET", f"{path}/live") as stream:
            lines = stream.iter_lines()
            assert '"agent":""' in next(line for line in lines if line.startswith("data:"))
            seen = {"if-match": client.get(path).headers["etag"]}

            def take(name: str) -> int:
                sent = {**seen, "cookie": f"name={name}"}
                return httpx.put(f"{url}{path}/agent", headers=sent, timeout=PATIENCE).status_code

            with ThreadPoolExecutor(8) as threads:
                assert sorted(threads.map(take, "abcdefgh")) == [200] + [412] * 7
            assert '"agent":""' not in next(line for line in lines if line.startswith("data:"))

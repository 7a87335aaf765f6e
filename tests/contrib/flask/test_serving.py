"""Workers that were forked from a process that has the database open."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.contrib.fastapi.conftest import place
from tests.contrib.serving import running
from tests.patience import PATIENCE, until


def command(port: int) -> list[str]:
    return [
        sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}",
        "--workers", "2", "--threads", "4", "--preload",
        "--graceful-timeout", "1", "--log-level", "error", "tests.contrib.flask.preloaded:app",
    ]  # fmt: skip


def test_workers_that_were_forked_after_the_database_was_opened_serve_one_store(
    tmp_path: Path, long: bool
) -> None:
    for kind in ("sqlite", "postgres") if long else ("sqlite",):
        serve(kind, tmp_path)


def serve(kind: str, tmp_path: Path) -> None:
    """Ask two workers at once, and follow one of them."""
    with (
        running(command, "/process", DEPOT=place(kind, tmp_path)) as url,
        httpx.Client(base_url=url, timeout=PATIENCE) as client,
    ):
        workers: set[str] = set()

        def answered() -> bool:
            workers.add(httpx.get(f"{url}/process", timeout=PATIENCE).text)
            return len(workers) == 2

        until(answered)

        def send(number: int) -> int:
            sent = {"idempotency-key": str(number % 8), "key": "ann"}
            path = f"{url}/parcels/p-{number % 8}"
            return httpx.post(path, json={"size": {"grams": 5}}, headers=sent, timeout=PATIENCE).status_code

        with client.stream("GET", "/parcels/p-0/live") as stream:
            lines = (line for line in stream.iter_lines() if line.startswith("data:"))
            assert "before the fork" in next(lines)
            with ThreadPoolExecutor(8) as threads:
                assert set(threads.map(send, range(16))) == {201}
            assert '"grams":5' in next(lines)
        commits = client.get("/commits").json()
        assert len({commit["id"] for commit in commits}) == len(commits) == 9

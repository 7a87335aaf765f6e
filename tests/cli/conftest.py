"""A small bank in a SQLite file, and the command line run on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from backstory.cli import main
from backstory.store import Log, append
from backstory.stores.sqlite import SqliteStore
from backstory.values.commit import Draft, draft
from backstory.values.event_data import EventData, encoded
from backstory.values.query import Condition, Query
from tests import programs


class Ran(NamedTuple):
    """What a command line gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as a JSON document."""
        return msgspec.json.decode(self.out)

    @property
    def ndjson(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


def fact(type: str, data: dict[str, Any], *tags: str, version: int = 1) -> EventData:
    """An event."""
    return encoded(type, msgspec.json.encode(data), tags, version)


def day(number: int, hour: int = 12) -> datetime:
    """A time in November 2026."""
    return datetime(2026, 11, number, hour, tzinfo=UTC)


def drafts() -> Iterator[Draft]:
    """The commits of the bank: four, with six events."""
    yield draft(
        [fact("AccountOpened", {"account": "a-7", "owner": "Ann", "limit": None}, "account:a-7")],
        id="open-a",
        time=day(1),
        author="ann",
        message="a first account",
    )
    yield draft(
        [fact("Deposited", {"account": "a-7", "cents": 500}, "account:a-7")],
        id="pay",
        time=day(2),
        author="ann",
        command={"name": "deposit", "cents": 500},
        metadata={"ip": "127.0.0.1"},
    )
    yield draft(
        [
            fact("Withdrawn", {"account": "a-7", "cents": 200}, "account:a-7", "transfer:t-1"),
            fact("Deposited", {"account": "b-1", "cents": 200}, "account:b-1", "transfer:t-1", version=2),
        ],
        id="rent",
        time=day(3),
        author="Bob Ray",
        message="rent\n\nfor November\n",
        condition=Condition(Query.of(["Deposited", "Withdrawn"], ["account:a-7"]), 2),
    )
    yield draft(
        [fact("RateChanged", {"percent": 2.5}), fact("Noted", {})],
        id="rates",
        time=day(4),
        author="",
        metadata={"correlation": "req-77"},
    )


def fill(log: Log) -> None:
    """Append the bank's commits."""
    for each in drafts():
        append(log, each)


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, an environment that names nothing, and UTC as the local zone."""
    for name in (
        "BACKSTORY_STORE",
        "BACKSTORY_AUTHOR",
        "BACKSTORY_DEBUG",
        "BACKSTORY_PAGER",
        "PAGER",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield tmp_path
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def bank(alone: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bank, named by the environment."""
    path = alone / "bank.db"
    store = SqliteStore(path, create=True)
    fill(store.log())
    store.close()
    monkeypatch.setenv("BACKSTORY_STORE", str(path))
    return path


@pytest.fixture
def application(bank: Path) -> Iterator[Path]:
    """The bank's code, named by the project, in the folder of its store."""
    with programs.forgotten():
        yield programs.bank(bank.parent)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process."""

    def run(*words: str) -> Ran:
        capsys.readouterr()
        code = main(words)
        shown = capsys.readouterr()
        return Ran(code, shown.out, shown.err)

    return run

"""Nothing is decided on a file that was put back to an earlier time, or replaced, while a process has it open."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from backstory import Database, Event, Refused, State, Tag, command, connect
from backstory.errors import HistoryLost
from backstory.history.check.verify import verify
from tests.reliability.hazards import elsewhere


class Paid(Event, name="restore.paid"):
    """Money that came in, or went out where `cents` is negative."""

    account: Tag[str]
    cents: int


class Account(State):
    account: Tag[str]
    balance: int = 0

    def apply(self, event: Paid) -> None:
        self.balance += event.cents


@command
def withdraw(account: Account, cents: int) -> Paid:
    if account.balance < cents:
        raise Refused("insufficient funds")
    return Paid(account.account, -cents)


def copy(source: Path, target: Path) -> None:
    """What `.backup` and `.restore` of the sqlite3 shell do, in another process."""
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", code, source, target], check=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bank.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    """A database with 1 on the account, of which there is a backup, and then 500 more."""
    with connect(str(path)) as db:
        db.append(Paid("a", 1))
        db.branch("trial")
        copy(path, path.with_name("backup.db"))
        for _ in range(5):
            db.append(Paid("a", 100))
        assert db.load(Account("a")).balance == 501
        db.execute(withdraw(Account("a"), 1))
        yield db


def restored(path: Path) -> None:
    copy(path.with_name("backup.db"), path)


def restored_and_gone_on(path: Path) -> None:
    restored(path)
    elsewhere(path, *(f"b{number}" for number in range(8)))


def replaced(path: Path) -> None:
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink()
    path.with_name("backup.db").replace(path)


def replaced_and_gone_on(path: Path) -> None:
    replaced(path)
    elsewhere(path, *(f"b{number}" for number in range(8)))


def replaced_alone(path: Path) -> None:
    """The write-ahead log of the old file stays: whoever does that damages the new one."""
    path.with_name("backup.db").replace(path)


def deleted(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


WAYS = [restored, restored_and_gone_on, replaced, replaced_and_gone_on, deleted]

USES: dict[str, Callable[[Database], Any]] = {
    "head": lambda db: db.head(),
    "load": lambda db: db.load(Account("a")),
    "load as of": lambda db: db.load(Account("a"), at=2),
    "read": lambda db: list(db.read(Paid)),
    "commits": lambda db: list(db.commits()),
    "append": lambda db: db.append(Paid("a", 1)),
    "execute": lambda db: db.execute(withdraw(Account("a"), 400)),
    "preview": lambda db: db.preview(withdraw(Account("a"), 400)),
    "blame": lambda db: db.blame(Account("a")),
}


@pytest.mark.parametrize(
    ("way", "use"),
    [*((way, "execute") for way in WAYS), *((restored_and_gone_on, use) for use in USES if use != "execute")],
)
def test_the_process_is_told_whatever_it_does(
    db: Database, path: Path, way: Callable[[Path], None], use: str
) -> None:
    way(path)
    for _ in range(2):
        with pytest.raises(HistoryLost, match=r"bank\.db"):
            USES[use](db)


def test_a_write_into_a_file_that_was_replaced_is_not_acknowledged(db: Database, path: Path) -> None:
    replaced_alone(path)
    with pytest.raises(HistoryLost, match="replaced"):
        db.append(Paid("a", 1))


@pytest.mark.parametrize("way", [restored, restored_and_gone_on, replaced, replaced_and_gone_on])
def test_who_opens_it_again_sees_what_is_there(db: Database, path: Path, way: Callable[[Path], None]) -> None:
    way(path)
    with connect(str(path)) as again:
        assert again.load(Account("a")).balance == 1
        with pytest.raises(Refused):
            again.execute(withdraw(Account("a"), 400))
        with pytest.raises(HistoryLost):
            db.load(Account("a"))
        again.append(Paid("a", 5))
        assert verify(again.store).problems == []
    with connect(str(path)) as fresh:
        assert fresh.load(Account("a")).balance == 6


def test_a_branch_that_was_made_later_is_gone(db: Database, path: Path) -> None:
    later = db.branch("later")
    assert later.load(Account("a")).balance == 500
    restored(path)
    with pytest.raises(HistoryLost, match="on top of #7"):
        later.load(Account("a"))


def test_what_other_processes_append_is_no_loss(db: Database, path: Path) -> None:
    elsewhere(path, "b1", "b2")
    assert db.head().position == 9
    assert db.load(Account("a")).balance == 500


def test_a_vacuum_is_no_loss(db: Database, path: Path) -> None:
    with closing(apsw.Connection(str(path))) as other:
        other.execute("VACUUM")
    assert db.load(Account("a")).balance == 500
    db.append(Paid("a", 1))
    assert verify(db.store).problems == []

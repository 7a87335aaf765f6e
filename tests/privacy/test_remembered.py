"""What a process has read before somebody else withheld it: nothing shows it any more, and nothing writes it anew.

Two databases on one store, each opened by itself, know as little of each other as two processes do.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import anyio
import pytest

from backstory import Database, Event, Refused, State, Tag, aio, command, connect
from backstory.decide.snapshots import Snapshots
from backstory.errors import UnreadableEvent
from backstory.history.check.snapshots import verify_snapshots
from backstory.history.forget.withholding import withhold
from backstory.refs import WITHHELD
from backstory.values.codec import PLAIN
from tests.postgres.schemas import schemas

Two = tuple[Database, Database]


class GuestNamed(Event):
    guest: Tag[str]
    name: str


class GuestGreeted(Event):
    guest: Tag[str]
    words: str


class Guest(State):
    guest: Tag[str]
    name: str = ""

    def apply(self, event: GuestNamed) -> None:
        self.name = event.name


class LongGuest(State):
    guest: Tag[str]
    names: list[str] = []
    snapshot_every = 2

    def apply(self, event: GuestNamed) -> None:
        self.names.append(event.name)


@command
def greet_guest(guest: Guest) -> GuestGreeted:
    return GuestGreeted(guest.guest, f"hello {guest.name}")


@command
def rename_guest(guest: Guest, name: str) -> GuestNamed | None:
    if guest.name == name:
        return None
    if guest.name:
        raise Refused(f"the guest is called {guest.name} already")
    return GuestNamed(guest.guest, name)


@pytest.fixture(params=["sqlite", "postgres"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Two]:
    """A database, and another one on the same store."""

    def opened() -> Database:
        path = str(tmp_path / "two.db")
        return Database(schemas().open(tmp_path)) if request.param == "postgres" else connect(path)

    with ExitStack() as stack:
        yield stack.enter_context(opened()), stack.enter_context(opened())


def forgotten(db: Database) -> None:
    """Withhold the data of every commit so far."""
    for commit in list(db.log.commits()):
        withhold(db.branches, commit, ["data", "command"])


LOADS: list[Callable[[Database], object]] = [
    lambda db: db.load(Guest("g-1")),
    lambda db: db.load(Guest("g-1"), at=1),
    lambda db: db.load(Guest("g-1"), at="HEAD"),
    lambda db: db.see(Guest("g-1")),
    lambda db: db.preview(greet_guest(Guest("g-1"))),
    lambda db: db.execute(greet_guest(Guest("g-1"))),
    lambda db: db.execute(rename_guest(Guest("g-1"), "Bob")),
    lambda db: db.execute(rename_guest(Guest("g-1"), "Bea")),
    lambda db: db.switch("trial").load(Guest("g-1")),
    lambda db: db.switch("trial").execute(rename_guest(Guest("g-1"), "Bea")),
]


@pytest.mark.parametrize("load", LOADS)
def test_a_state_that_was_read_before_is_not_remembered(two: Two, load: Callable[[Database], object]) -> None:
    mine, other = two
    mine.append(GuestNamed("g-1", "Bea"))
    mine.branch("trial")
    for each in (other, other.switch("trial")):
        each.load(Guest("g-1"))
        each.execute(greet_guest(Guest("g-1")))
    forgotten(mine)
    head = mine.head()
    with pytest.raises(UnreadableEvent):
        load(other)
    assert mine.head() == head


def test_the_process_that_withholds_does_not_remember_either(two: Two) -> None:
    db, _ = two
    db.append(GuestNamed("g-1", "Bea"))
    db.execute(greet_guest(Guest("g-1")))
    forgotten(db)
    with pytest.raises(UnreadableEvent):
        db.execute(greet_guest(Guest("g-1")))


def test_memory_does_not_remember_either() -> None:
    with connect() as db:
        db.append(GuestNamed("g-1", "Bea"))
        db.execute(greet_guest(Guest("g-1")))
        forgotten(db)
        with pytest.raises(UnreadableEvent):
            db.execute(greet_guest(Guest("g-1")))
        with pytest.raises(UnreadableEvent):
            db.load(Guest("g-1"), at=1)


def test_a_row_that_was_read_before_is_deleted_without_its_values(two: Two) -> None:
    mine, other = two
    mine.table("guests").insert("g-1", {"name": "Bea"})
    rows = other.table("guests")
    assert rows["g-1"] == {"name": "Bea"}
    rows.insert("g-2", {"name": "Cem"})
    mine.forget(rows.row("g-1"), message="she asked")
    with pytest.raises(UnreadableEvent):
        rows.patch("g-1", {"city": "Bern"})
    rows.delete("g-1")
    assert [record.event.row for record in other.read("guests.RowDeleted")] == [{}]
    assert rows["g-2"] == {"name": "Cem"}


def test_a_block_that_began_before_decides_anew(two: Two) -> None:
    mine, other = two
    mine.append(GuestNamed("g-1", "Bea"))
    with ExitStack() as block:
        block.enter_context(other.atomic()).execute(greet_guest(Guest("g-1")))
        forgotten(mine)
        with pytest.raises(UnreadableEvent):
            block.close()
    assert mine.head().position == 1


def test_other_commands_go_on(two: Two) -> None:
    mine, other = two
    mine.append(GuestNamed("g-1", "Bea"), GuestNamed("g-2", "Cem"))
    commit = mine.append(GuestNamed("g-3", "Dora"))
    for key in ("g-2", "g-3"):
        other.execute(greet_guest(Guest(key)))
    withhold(mine.branches, commit, ["data"])
    for _ in range(3):
        other.execute(greet_guest(Guest("g-2")))
    mine.append(GuestNamed("g-4", "Eva"))
    assert other.load(Guest("g-4")).name == "Eva"
    assert [one.event.words for one in other.read(GuestGreeted, tags=["guest:g-2"])] == ["hello Cem"] * 4


def test_a_branch_without_commits_of_its_own_goes_on(two: Two) -> None:
    mine, other = two
    commit = mine.append(GuestNamed("g-1", "Bea"), GuestNamed("g-2", "Cem"))
    mine.append(GuestNamed("g-3", "Dora"))
    mine.branch("trial")
    trial = other.switch("trial")
    trial.load(Guest("g-3"))
    withhold(mine.branches, commit, ["data:1"])
    assert trial.execute(greet_guest(Guest("g-3"))) is not None


def test_snapshots_are_verified_as_before(two: Two) -> None:
    mine, other = two
    for name in ("Bea", "Bea M", "Bea N"):
        mine.append(GuestNamed("g-1", name))
    commit = mine.append(GuestNamed("g-2", "Cem"))
    for _ in range(2):
        other.load(LongGuest("g-1"))
        assert verify_snapshots(mine.branches, [LongGuest], PLAIN).compared == 1
        withhold(mine.branches, commit, ["data"])


def test_a_snapshot_that_was_kept_too_late_is_not_read(two: Two) -> None:
    mine, other = two
    for name in ("Bea", "Bea M", "Bea N"):
        mine.append(GuestNamed("g-1", name))
    reference = LongGuest("g-1")
    other.load(reference)
    kept = dict(mine.store.caches.get_all(mine.store.caches.names("snapshot/")))
    assert kept
    forgotten(mine)
    for name, value in kept.items():  # by a process that had read the events before
        mine.store.caches.set(name, value)
    mark = mine.log.head().withheld
    assert Snapshots(mine.store.caches, "0").get(reference, reference.query(), mark) is None
    for each in (mine, other):
        with pytest.raises(UnreadableEvent):
            each.load(reference)


def test_tasks_do_not_remember_either(tmp_path: Path) -> None:
    path = str(tmp_path / "guests.db")

    async def reading(mine: Database) -> None:
        async with aio.connect(path) as other:
            await other.load(Guest("g-1"))
            await other.execute(greet_guest(Guest("g-1")))
            forgotten(mine)
            with pytest.raises(UnreadableEvent):
                await other.execute(greet_guest(Guest("g-1")))
            with pytest.raises(UnreadableEvent):
                await other.load(Guest("g-1"))

    with connect(path) as mine:
        mine.append(GuestNamed("g-1", "Bea"))
        anyio.run(reading, mine)
        assert mine.head().position == 2


def test_a_file_counts_from_the_first_time_on(tmp_path: Path) -> None:
    with connect(str(tmp_path / "guests.db")) as db:
        commit = db.append(GuestNamed("g-1", "Bea"))
        assert db.store.refs.get(WITHHELD) is None
        withhold(db.branches, commit, ["message"])  # it is empty, and is withheld all the same
        withhold(db.branches, commit, ["data"])
        withhold(db.branches, commit, ["data"])
        assert (db.store.refs.get(WITHHELD) or "").partition("-")[0] == "2"


def test_a_file_that_was_put_back_never_has_the_same_mark_again(tmp_path: Path) -> None:
    path = tmp_path / "guests.db"

    def put(source: Path, to: Path) -> None:
        code = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))"
        subprocess.run([sys.executable, "-c", code, source, to], check=True)

    with connect(path) as db:
        first, second = db.append(GuestNamed("g-1", "Bea")), db.append(GuestNamed("g-2", "Cem"))
    put(path, tmp_path / "copy.db")
    with connect(path) as other:
        with connect(path) as db:
            withhold(db.branches, first, ["data"])
        assert other.load(Guest("g-2")).name == "Cem"
        put(tmp_path / "copy.db", path)
        with connect(path) as db:
            withhold(db.branches, second, ["data"])
        with pytest.raises(UnreadableEvent):
            other.load(Guest("g-2"))

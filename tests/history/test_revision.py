"""Revisions: every way to name a point, and what is said of what names none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from backstory.database import Database
from backstory.errors import AmbiguousRevision, UnknownRevision
from backstory.history.refs.revision import resolve_commit, resolve_range
from backstory.store import Store, append
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from backstory.values.codec import PLAIN
from backstory.values.commit import Commit, draft
from tests.history.ledger import START, Book, Entered, ledger


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return MemoryStore()


def commit(db: Database, size: int, id: str, when: datetime) -> Commit:
    """Append a commit of so many events, at a time."""
    events = [PLAIN.encode(Entered("a", 1, 0)) for _ in range(size)]
    [made] = append(db.log, draft(events, id=id, time=when))
    return made


@pytest.fixture
def db(store: Store) -> Database:
    """See `history`."""
    return history(store)


def history(store: Store) -> Database:
    """Main ends at 1, 3, 4, 6, an hour apart; `side` stands on 3 and ends at 4, 5; the mark `q3` is 4 of main."""
    made = Database(store, clock=lambda: START + timedelta(days=2))
    commits = [
        commit(made, size, id, START + timedelta(hours=number))
        for number, (size, id) in enumerate([(1, "one"), (2, "two"), (1, "three"), (2, "four")])
    ]
    side = made.branch("side", at=commits[1])
    commit(side, 1, "five", START + timedelta(hours=5))
    commit(side, 1, "six", START + timedelta(hours=6))
    made.mark("q3", at=4, message="closed")
    return made


POINTS = [
    ("HEAD", 6),
    ("head", 6),
    ("@", 6),
    ("main", 6),
    ("HEAD~0", 6),
    ("HEAD~", 4),
    ("@~1", 4),
    ("~1", 4),
    ("HEAD^", 4),
    ("HEAD^^", 3),
    ("HEAD~1^~1", 1),
    ("main~3", 1),
    ("main~4", 0),
    ("side", 5),
    ("side~1", 4),
    ("side~2", 3),
    ("side~3", 1),
    ("side~4", 0),
    ("q3", 4),
    ("q3~1", 3),
    ("#5", 5),
    ("5", 5),
    ("#0", 0),
    ("#5~1", 4),
    ("#2^", 1),
    ("one", 1),
    ("four~2", 3),
    ("six", 5),
    ("six~2", 3),
    ("@{2026-03-01T13:30Z}", 3),
    ("main@{2026-03-01T13:00Z}", 3),
    ("main@{2026-03-01T12:59:59.999999Z}", 1),
    ("main@{1999-12-31}", 0),
    ("main@{2026-03-01T13:00Z}~1", 1),
    ("side@{2026-03-01T14:00Z}", 3),
    ("side@{2026-03-01T17:30Z}", 4),
    ("side@{now}", 5),
    ("main~2@{now}", 3),
    ("main~2@{2026-03-01T12:00Z}", 1),
    ("@{47 hours ago}", 3),
    ("@{yesterday}", 6),
]


@pytest.mark.parametrize(("text", "position"), POINTS)
def test_a_text_is_a_point(db: Database, text: str, position: int) -> None:
    point = db.point(text)
    assert point.position == position
    assert (point.commit is None) == (position == 0)
    if point.commit is not None:
        assert point.commit.first <= position <= point.commit.position


def test_on_sqlite_they_are_the_same(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "history.db")
    db = history(store)
    assert [db.point(text).position for text, _ in POINTS] == [position for _, position in POINTS]
    for name in ("nonsense", "a\0b", "'; DROP TABLE refs; --", "*", "9" * 5000):
        with pytest.raises(UnknownRevision):
            db.point(name)
    store.close()


def test_in_python_it_may_be_a_number_a_time_or_a_commit(db: Database) -> None:
    assert db.point(5).position == 5
    assert db.point(START + timedelta(hours=1)).position == 3
    assert db.point(START - timedelta(seconds=1)).position == 0
    side = db.switch("side")
    assert side.point(5).position == 5
    assert side.point(START + timedelta(hours=3)).position == 3
    for commit in [*db.commits(), *side.commits()]:
        assert db.point(commit).commit == commit
        assert side.point(commit.hash.hex()[:12]).commit == commit
    assert db.load(Book("a"), at=0).total == 0


def test_a_branch_looks_at_itself_first(db: Database) -> None:
    side = db.switch("side")
    assert side.point("#4").commit != db.point("#4").commit
    assert side.point("HEAD~1").commit == db.point("five").commit
    assert side.point("main").position == 6
    assert side.point("four").chain == (0,)
    assert (side.point("main#4"), db.point("side#4")) == (db.point("#4"), side.point("#4"))
    assert db.point("side#5~1") == side.point("#5~1")
    with pytest.raises(UnknownRevision, match="#1 to #5"):
        side.point("#6")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not empty; the newest is HEAD"),
        ("nonsense", "there are the branches main, side, the marks q3, the positions #1 to #6"),
        ("#7", "#1 to #6"),
        ("7", "no branch, mark or commit|at least 4 digits"),
        ("#-1", "a position is a number"),
        ("#x", "a position is a number"),
        ("side#x", "a position is a number"),
        ("side#6", "#1 to #5"),
        ("sid#4", "did you mean side"),
        ("four#4", "there is no such branch"),
        ("#", "a position is a number"),
        ("#²", "a position is a number"),
        ("#" + "9" * 5000, "a position is a number"),
        ("9" * 5000, "no branch, mark or commit"),
        ("HEAD~" + "9" * 5000, "fewer than"),
        ("HEAD~999999999", "fewer than 999999999 commits"),
        ("main~5", "fewer than 5 commits before it"),
        ("main^^^^^", "fewer than 5 commits before it"),
        ("HEAD~1x", "'x' is not understood: after a name come"),
        ("HEAD~1@{now", "'@{now' is not understood"),
        ("main@{}", "it is not a time"),
        ("main@{soonish}", "it is not a time"),
        ("abc", "at least 4 digits"),
        ("ffffffffffff", "no branch, mark or commit"),
        ("'; DROP TABLE refs; --", "no branch, mark or commit"),
        ("a\0b", "no branch, mark or commit"),
        ("*", "no branch, mark or commit"),
    ],
)
def test_what_is_no_point_says_why_and_what_there_is(db: Database, text: str, says: str) -> None:
    with pytest.raises(UnknownRevision, match=says.replace("^", r"\^")):
        db.point(text)


@pytest.mark.parametrize("number", [-1, 7, 10**30])
def test_a_number_beyond_the_log_says_what_there_is(db: Database, number: int) -> None:
    with pytest.raises(UnknownRevision, match="#1 to #6"):
        db.point(number)
    with pytest.raises(UnknownRevision, match="#1 to #6"):
        db.load(Book("a"), at=number)


def test_a_time_without_a_zone_is_refused_in_python(db: Database) -> None:
    with pytest.raises(UnknownRevision, match="needs its zone"):
        db.point(datetime(2026, 3, 1))  # noqa: DTZ001


def test_in_an_empty_log_there_is_nothing_yet(store: Store) -> None:
    db = Database(store)
    assert db.point("HEAD").position == 0
    assert db.point("@{now}").position == 0
    for text in ("#1", "one", "abcd"):
        with pytest.raises(UnknownRevision, match="the log is empty"):
            db.point(text)
    with pytest.raises(UnknownRevision, match="fewer than 1"):
        db.point("HEAD~1")
    with pytest.raises(UnknownRevision, match="before the first commit"):
        resolve_commit(db.branches, "HEAD")


def test_a_name_that_means_several_commits_shows_them(store: Store) -> None:
    db = ledger(store)
    made = [db.append(Entered("a", 1, 0), id=f"id {number}") for number in range(1000)]
    hashes = sorted(commit.hash.hex() for commit in made)
    twins = [(one, two) for one, two in pairwise(hashes) if one[:4] == two[:4]]
    assert twins
    for one, two in twins:
        with pytest.raises(AmbiguousRevision) as error:
            db.point(one[:4])
        assert one[:16] in str(error.value)
        assert two[:16] in str(error.value)
        assert db.point(one).commit != db.point(two).commit


def test_an_id_is_before_the_beginning_of_a_hash_and_a_branch_before_both(store: Store) -> None:
    db = ledger(store)
    first = db.append(Entered("a", 1, 0), id="first")
    prefix = first.hash.hex()[:8]
    second = db.append(Entered("a", 1, 0), id=prefix)
    assert db.point(prefix).commit == second
    db.mark(prefix, at=0)
    assert db.point(prefix).position == 0


def test_a_number_that_is_also_an_id_is_one_or_the_other(store: Store) -> None:
    db = ledger(store)
    db.append(Entered("a", 1, 0), id="2")
    db.append(Entered("a", 1, 0), id="1")
    third = db.append(Entered("a", 1, 0), id="3")
    with pytest.raises(AmbiguousRevision) as error:
        db.point("2")
    assert [commit.id for commit in error.value.commits] == ["2", "1"]
    assert db.point("#2").position == 2
    assert db.point("3").commit == third
    other = db.append(Entered("a", 1, 0), id="77")
    assert db.point("77").commit == other


def test_positions_inside_a_commit_can_be_looked_at(db: Database) -> None:
    assert db.load(Book("a"), at="#2").total == 2
    assert db.load(Book("a"), at=5).total == 5
    assert db.point("#2").exact
    assert not db.point("main").exact


def test_ranges(db: Database) -> None:
    def between(text: str, on: str = "main") -> list[str]:
        return [commit.id for commit in db.switch(on).between(text)]

    assert between("one..four") == ["two", "three", "four"]
    assert between("#1..#3") == ["two"]
    assert between("four..one") == []
    assert between("side..main") == ["three", "four"]
    assert between("main..side") == ["five", "six"]
    assert between("..side") == ["five", "six"]
    assert between("main..", on="side") == ["five", "six"]
    assert between("main...side") == between("side...main")[2:] + between("side...main")[:2]
    assert sorted(between("main...side")) == ["five", "four", "six", "three"]
    assert between("HEAD~1..HEAD") == ["four"]
    assert between("main@{1999-01-01}..one") == ["one"]
    assert db.merge("side").done
    assert between("main..side") == []
    assert between("side..main") == ["three", "four"]
    assert between("main~2..main") == ["five", "six"]
    assert between("main~2..side") == ["five", "six"]
    assert between("main~1..side") == ["six"]
    for text, says in (("main", "two points"), ("main..nonsense", "nonsense"), ("x..main", "'x'")):
        with pytest.raises(UnknownRevision, match=says):
            between(text)
    assert resolve_range(db.branches, "main") is None


def test_a_mark_outlives_its_branch(db: Database) -> None:
    side = db.switch("side")
    side.mark("best", at="HEAD~1", message="why", author="ann")
    db.branches.delete("side")
    point, commit = resolve_commit(db.branches, "best")
    assert (point.position, commit.id) == (4, "five")
    assert db.load(Book("a"), at="best~1").total == 3
    mark = db.branches.mark("best")
    assert mark
    assert (mark.message, mark.author, mark.time) == ("why", "ann", START + timedelta(days=2))
    db.branches.delete_mark("best")
    with pytest.raises(UnknownRevision, match="no such mark"):
        db.branches.delete_mark("best")


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zone in which an hour was there twice on 25 October 2026, and one was not on 29 March."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_a_time_without_a_zone_is_local_also_where_the_clocks_change(store: Store) -> None:
    autumn = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 2:30 in summer time; an hour later it is 2:30 again
    db = Database(store, clock=lambda: autumn + timedelta(days=30))
    commit(db, 1, "spring", datetime(2026, 3, 29, 1, 15, tzinfo=UTC))  # 3:15 in summer time
    commit(db, 1, "first", autumn)
    commit(db, 1, "second", autumn + timedelta(hours=1))
    commit(db, 1, "third", autumn + timedelta(hours=2))  # 3:30
    expected = {
        "2026-03-29 01:59": 0,
        "2026-03-29 03:14": 0,
        "2026-03-29 03:15": 1,
        "2026-10-25 02:29": 1,
        "2026-10-25 02:30": 2,
        "2026-10-25 02:30+02:00": 2,
        "2026-10-25 02:30+01:00": 3,
        "2026-10-25 03:29": 3,
        "2026-10-25 03:30": 4,
        "2026-10-25": 1,
        "2026-10-26": 4,
        "2026-10-25T00:30Z": 2,
    }
    assert {text: db.point(f"@{{{text}}}").position for text in expected} == expected


def test_a_class_is_no_point_and_says_how_its_events_are_read(db: Database) -> None:
    with pytest.raises(UnknownRevision, match=r"it is a class, .*: db\.read\(Entered\)"):
        db.events(Entered)  # type: ignore[arg-type]

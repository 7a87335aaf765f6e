"""Branches: what they read, how they are named, moved, deleted and brought back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstory import forks
from backstory.conformance.model import ModelLog
from backstory.conformance.sample import decided, fact
from backstory.database import Database
from backstory.errors import BranchError, MainFixed, UnknownRevision
from backstory.history.check.verify import verify
from backstory.history.refs.branches import Branch, Branches
from backstory.history.refs.former import named, restore
from backstory.refs import BRANCH, MAIN_REF
from backstory.store import Store, append, create_log, set_ref, write
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from backstory.unit import Holds
from backstory.values.commit import ORIGIN, Head
from backstory.values.query import Clause, Query
from tests.history.ledger import Book, Entered, enter, ledger

tags = st.sampled_from(["x:1", "x:2", "y:1"])
types = st.sampled_from("AB")
drafts = st.lists(
    st.lists(st.tuples(types, st.lists(tags, max_size=2)), min_size=1, max_size=3), min_size=1, max_size=4
)
queries = st.builds(
    Query,
    st.lists(st.builds(Clause.of, st.lists(types, max_size=2), st.lists(tags, max_size=2)), max_size=2).map(
        tuple
    ),
)


@pytest.fixture(params=[MemoryStore, SqliteStore])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    made: Store = SqliteStore(tmp_path / "history.db") if request.param is SqliteStore else MemoryStore()
    yield made
    made.close()


@pytest.fixture
def db(store: Store) -> Database:
    """Main with three commits, of one, two and one events."""
    made = ledger(store)
    made.execute(enter(Book("a"), 1))
    made.append(Entered("b", 1, -1), Entered("b", 2, -1))
    made.execute(enter(Book("a"), 3))
    return made


@given(
    st.lists(st.tuples(drafts, st.integers(0, 3)), min_size=1, max_size=4),
    st.lists(
        st.tuples(queries, st.integers(0, 30), st.none() | st.integers(0, 30), st.none() | st.integers(0, 4)),
        max_size=4,
    ),
    st.booleans(),
)
def test_a_branch_reads_as_its_base_and_then_its_own(
    story: list[tuple[Any, int]], reads: list[Any], backwards: bool
) -> None:
    """Branches of branches, from past points; each as one plain log with the same commits."""
    store = MemoryStore()
    branches, made = Branches(store), iter(range(10_000))
    chain: tuple[int, ...] = (0,)
    model = ModelLog()
    for commits, back in story:
        log = branches.view(chain)
        for commit in commits:
            one = decided(*(fact(type, *own) for type, own in commit), id=f"id {next(made)}")
            append(log, one)
            model.append((one,))
        assert log.head() == model.head
        for query, after, upto, limit in reads:
            found = [e for e in model.read(query) if after < e.position <= (99 if upto is None else upto)]
            found = (found[::-1] if backwards else found)[:limit]
            assert list(log.read(query, after=after, upto=upto, backwards=backwards, limit=limit)) == found
            known = [c for c in model.commits if after < c.position <= (99 if upto is None else upto)]
            known = (known[::-1] if backwards else known)[:limit]
            assert list(log.commits(after=after, upto=upto, backwards=backwards, limit=limit)) == known
        model.commits = model.commits[: len(model.commits) - back]
        last = model.commits[-1] if model.commits else None
        model.head = Head(last.position, last.hash, last.time) if last else ORIGIN
        model.events = model.events[: model.head.position]
        for commit in model.commits:
            assert log.find(commit.id) == [commit]
        chain = branches.chain(write(store, *branches.start(chain, model.head.position)).logs[0])
    assert verify(store).problems == []


def test_a_branch_changes_nothing_below_it(db: Database) -> None:
    side = db.branch("side")
    deep = side.branch("deep", at="main~1")
    side.execute(enter(Book("a"), 10))
    deep.execute(enter(Book("a"), 20))
    db.execute(enter(Book("a"), 30))
    assert [each.load(Book("a")).total for each in (db, side, deep)] == [34, 14, 21]
    assert [each.load(Book("a"), at="HEAD~1").total for each in (db, side, deep)] == [4, 4, 1]
    assert db.load(Book("a"), at="deep").total == 21
    assert side.load(Book("a"), at="main").total == 34
    assert db.load(Book("a")).total == 34
    assert len(deep.chain) == 2  # it stands on main itself
    assert verify(db.store).problems == []


def test_snapshots_of_branches_are_kept_apart(store: Store) -> None:
    class Short(Book):
        snapshot_every = 2

    db = ledger(store)
    for number in range(3):
        db.append(Entered("a", number, 0))
    assert db.load(Short("a")).total == 3
    one, other = db.branch("one"), db.branch("other")
    for number in range(3):
        one.append(Entered("a", 10, number))
        other.append(Entered("a", 100, number))
    assert (one.load(Short("a")).total, other.load(Short("a")).total) == (33, 303)
    one.branches.delete("one")
    again = db.branch("one")
    for number in range(3):
        again.append(Entered("a", 1000, number))
    fresh = Database(store)
    for name, total in (("main", 3), ("one", 3003), ("other", 303)):
        on = fresh.switch(name)
        assert on.load(Short("a")).total == total
        assert on.load(Short("a"), at="HEAD").total == total
        assert fresh.load(Short("a"), at=name).total == total
    assert len([name for name in store.caches.names("snapshot/") if "Short" in name]) == 4


@pytest.mark.parametrize(
    "name", ["what-if", "über/größe", "日本", "a/b/c", "v1.2", "a+b", "0f3a9", "ref", "İ"]
)
def test_a_name_may_be_any_visible_word(db: Database, name: str) -> None:
    side = db.branch(name)
    side.execute(enter(Book("a"), 10))
    assert db.load(Book("a"), at=name).total == 14
    assert db.load(Book("a"), at=f"{name}~1").total == 4
    assert [entry.name for entry in db.branches.reflog.read(name)] == [name]
    assert name in db.branches.names()


BAD = [
    "",
    " ",
    "a b",
    "-d",
    ".a",
    "a.",
    "a..b",
    "a~1",
    "a^",
    "a:b",
    "a@b",
    "@",
    "#1",
    "{",
    "a\\b",
    "a*",
    "a?",
    "[",
    "12",
]
WORSE = [
    "HEAD",
    "head",
    "Head",
    "a\0b",
    "a\x1b[31m",
    "a\u202eb",
    "a\u200bb",
    "\ud800",
    "x" * 201,
    "٣",
    "a\nb",
    "a\n",
]


@pytest.mark.parametrize("name", BAD + WORSE)
def test_a_name_that_would_be_taken_for_something_else_is_refused(db: Database, name: str) -> None:
    before = dict(db.store.refs.list())
    with pytest.raises(BranchError, match="cannot be a name"):
        db.branch(name)
    with pytest.raises(BranchError, match="cannot be a name"):
        db.mark(name)
    assert dict(db.store.refs.list()) == before


def test_a_name_is_given_once(db: Database) -> None:
    db.branch("side")
    db.mark("q3")
    for make in (db.branch, db.mark):
        for name, kind in (("side", "branch"), ("main", "branch"), ("q3", "mark")):
            with pytest.raises(BranchError, match=f"there is a {kind} '{name}' already"):
                make(name)


def test_of_many_who_make_the_same_branch_one_does(store: Store) -> None:
    db = ledger(store)
    db.append(Entered("a", 1, 0))
    together = threading.Barrier(8)

    def make(_: int) -> bool:
        own = Database(store)
        together.wait()
        try:
            own.branch("side")
        except BranchError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(8))) == 1
    assert [entry.kind for entry in db.branches.reflog.read()] == ["BranchCreated"]
    assert verify(store).problems == []


def test_it_starts_at_the_end_of_a_commit_and_says_where_these_are(db: Database) -> None:
    with pytest.raises(BranchError, match=r"middle of commit .* \(#2 to #3\).* end, #3, or before it, #1"):
        db.branch("side", at=2)
    with pytest.raises(BranchError, match="middle of commit"):
        db.mark("q3", at="#2")
    assert db.load(Book("b"), at=2).total == 1
    assert db.load(Book("b"), at="#2").total == 1
    assert db.branch("before", at=1).head().position == 1
    assert db.branch("nothing", at=0).head() == ORIGIN


@pytest.mark.parametrize("position", [-1, 5, 10**30])
def test_it_starts_nowhere_beyond_the_log(db: Database, position: int) -> None:
    with pytest.raises(UnknownRevision, match="#1 to #4"):
        db.branch("side", at=position)
    with pytest.raises(BranchError, match="the log ends at #4"):
        db.branches.create("side", (0,), position)


def test_a_deleted_branch_is_brought_back_from_the_reflog(db: Database) -> None:
    side = db.branch("side")
    side.execute(enter(Book("a"), 10))
    deep = side.branch("deep")
    db.branches.delete("side")
    with pytest.raises(UnknownRevision, match="no such branch; there are: main, deep"):
        db.switch("side")
    assert deep.load(Book("a")).total == 14
    entry = next(db.branches.reflog.read("side"))
    assert (entry.kind, entry.details["position"]) == ("BranchDeleted", 5)
    db.branches.restore("side", entry.details["was"])
    assert db.switch("side").load(Book("a")).total == 14
    assert [entry.kind for entry in db.branches.reflog.read("side")] == [
        "BranchRestored",
        "BranchDeleted",
        "BranchCreated",
    ]
    with pytest.raises(BranchError, match="already"):
        db.branches.restore("side", 1)
    with pytest.raises(BranchError, match="no log 99"):
        db.branches.restore("other", 99)


def test_a_log_that_a_rebase_or_a_deletion_left_behind_gets_a_name_again(db: Database) -> None:
    side, branches = db.branch("side"), db.branches
    tops = []
    for turn in range(2):
        side.execute(enter(Book("s"), turn))
        tops.append(side.head())
        db.execute(enter(Book("m"), turn))
        assert side.rebase("main").done
    tops.append(side.head())
    assert [former for _, former in named(branches.reflog.read())] == ["side@{1}", "side@{2}", None]
    with pytest.raises(BranchError, match="already"):
        restore(branches, "side")
    for text, name, top in (("side@{1}", "one", tops[1]), ("side@{2}", "two", tops[0])):
        assert restore(branches, text, name).name == name
        assert db.switch(name).head() == top
    with pytest.raises(BranchError, match="'two' has this log"):
        restore(branches, "side@{2}", "three")
    for name in ("side", "one", "two"):
        branches.delete(name)
    assert restore(branches, "side").name == "side"
    assert db.switch("side").head() == tops[2]
    with pytest.raises(BranchError, match="needs a name"):
        restore(branches, tops[1].hash.hex()[:12])
    assert restore(branches, tops[1].hash.hex()[:12], "one").name == "one"
    assert db.switch("one").head() == tops[1]
    for text, why in (
        ("side@{9}", r"side@\{1\} to side@\{3\}"),
        ("side@{0}", "had no such log"),
        ("no@{1}", "knows none"),
        ("nothing", "no commit of a log"),
        (tops[2].hash.hex(), "no commit of a log"),
    ):
        with pytest.raises(BranchError, match=why):
            restore(branches, text, "new")
    assert verify(db.store).problems == []


def test_a_commit_that_several_nameless_logs_have_names_none_of_them(db: Database) -> None:
    side = db.branch("side")
    commit = side.execute(enter(Book("s"), 1))
    assert commit
    db.execute(enter(Book("m"), 1))
    side.rebase("main")
    top = side.head()
    db.branches.delete("side")
    with pytest.raises(BranchError, match="2 logs without a name") as told:
        restore(db.branches, commit.id, "new")
    assert top.hash.hex()[:16] in str(told.value)
    assert restore(db.branches, top.hash.hex()[:16], "new").name == "new"


def moved(db: Database, branch: Branch, position: int) -> None:
    """Let a branch start at a position of main, without any commit."""
    head = db.branches.view(branch.chain).head()
    stays = Holds(branch.number, head.position, head.hash, last=True)
    db.branches.move(branch, db.branches.start((0,), position), [], stays, {})


def test_main_is_neither_deleted_nor_moved(db: Database) -> None:
    db.branch("side")
    for deed in (
        lambda: db.branches.delete("main"),
        lambda: db.rebase("side"),
        lambda: moved(db, db.branches.get("main"), 1),
        lambda: db.branches.restore("main", 1),
    ):
        with pytest.raises((BranchError, MainFixed), match="main"):
            deed()
    assert db.branches.get("main").chain == (0,)


def test_who_moves_or_deletes_a_branch_that_was_moved_is_told(db: Database) -> None:
    db.branch("side")
    seen = db.branches.get("side")
    moved(db, seen, 1)
    with pytest.raises(BranchError, match="somebody else moved it"):
        moved(db, seen, 0)


def test_a_branch_of_where_a_deleted_one_was(db: Database) -> None:
    side = db.branch("side")
    side.execute(enter(Book("a"), 10))
    point = side.point("HEAD")
    db.branches.delete("side")
    made = db.branches.create("again", point.chain, point.position)
    assert db.switch("again").load(Book("a")).total == 14
    assert made.chain[:-1] == side.chain
    assert verify(db.store).problems == []


def test_a_thousand_branches_cost_nothing_to_main_and_are_listed_at_once() -> None:
    db = ledger()
    db.execute(enter(Book("a"), 1))
    for number in range(1000):
        db.branches.create(f"b{number}", (0,), 1)
    assert len(db.branches.names()) == 1001
    assert len({branch.chain for branch in db.branches.all()}) == 1001
    assert db.load(Book("a"), at="b999").total == 1
    with pytest.raises(UnknownRevision) as error:
        db.load(Book("a"), at="nonsense")
    assert len(str(error.value)) < 400


class Counting(MemoryStore):
    """Counts what is asked of its main log."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        for name in ("read", "commits", "find", "append"):
            setattr(self.log(), name, self._counted(getattr(self.log(), name)))

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.asked += 1
            return method(*args, **kwargs)

        return counted


def test_making_a_branch_reads_nothing_of_the_history() -> None:
    store = Counting()
    db = ledger(store)
    for number in range(50):
        db.append(Entered("a", number, 0))
    store.asked = 0
    side = db.branch("side")
    db.switch("side")
    assert store.asked == 0
    past = db.branch("past", at=20)
    assert store.asked <= 3
    store.asked = 0
    for number in range(5):
        side = side.branch(f"deeper-{number}")
        side.append(Entered("a", 1, 0))
        past.append(Entered("a", 1, 0))
    appending = store.asked
    assert appending <= 10  # a look for the id
    side.load(Book("a"))
    assert store.asked == appending + 1


def test_damage_to_refs_is_found_and_named(store: Store) -> None:
    db = ledger(store)
    db.append(Entered("a", 1, 0))
    db.branch("good")
    db.mark("mark")
    mark = store.refs.get("mark/mark")
    for name, value in (
        ("branch/gone", "[0,77]"),
        ("branch/headless", "[1]"),
        ("branch/nonsense", "{"),
        ("branch/empty", "[]"),
        ("mark/gone", msgspec.json.encode({**msgspec.json.decode(mark or "{}"), "position": 9}).decode()),
    ):
        assert set_ref(store, name, value, old=None)
        [problem, *_] = verify(store).problems
        assert problem.startswith(name.replace("/", " "))
        assert set_ref(store, name, None, old=value)
    assert verify(store).problems == []
    number = store.refs.get("reflog")
    for value in ("0", "99", "x"):
        set_ref(store, "reflog", value, old=number)
        assert verify(store).problems == [f"the reflog is said to be log {value!r}, which is not there"]
        number = value


def test_a_log_without_a_branch_harms_nothing(db: Database) -> None:
    create_log(db.store, db.head())
    append(db.store.log(create_log(db.store, db.head())), decided(fact()))
    assert verify(db.store).problems == []
    assert db.branches.names() == ["main"]
    assert db.store.refs.list(BRANCH).keys() == {MAIN_REF}


def test_what_begins_anew_in_a_child_is_not_told_of_twice_in_the_next_one() -> None:
    branches = Branches(MemoryStore())
    known = len(forks._known)
    branches._begin()
    assert len(forks._known) == known

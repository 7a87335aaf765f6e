"""Cloning a whole store: all of it, the same, checked, and going on where it stopped."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest

from backstory.commit import AUTHOR, DATA, ORIGIN, QUERY, Head, withheld
from backstory.conformance.sample import START, decided, fact, one
from backstory.errors import HeadMoved, StoreCorrupt, StoreError, StoreExists
from backstory.history.branches import Branches
from backstory.history.verify import verify
from backstory.local import import_key, store_id
from backstory.query import Query
from backstory.refs import SNAPSHOT, STORE, travels
from backstory.store import Store, append, create_log, set_ref
from backstory.stores.memory import MemoryLog, MemoryRefs, MemoryStore
from backstory.stores.sqlite import SqliteRefs, SqliteStore
from backstory.stores.sqlite.log import SqliteLog
from backstory.sync import clone

Make: TypeAlias = Callable[[str], Store]
"""Makes a store, or opens it, by the first letter of its kind."""


class CutOffError(Exception):
    """Where a clone is killed."""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    opened: list[Store] = []

    def make(kind: str) -> Store:
        store: Store = MemoryStore() if kind == "memory" else SqliteStore(tmp_path / f"{len(opened)}.db")
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def source() -> Store:
    """A store with something of everything."""
    store = MemoryStore()
    history(store)
    return store


def history(store: Store) -> None:
    """Branches, one on another, one that was deleted, marks, refs of all kinds, and commits that say all they can."""
    main, branches = store.log(), Branches(store)
    one(main, fact("Opened", "a:1", data=b'{"n" : 1.50}'), fact("Opened", "a:2", "b:\N{SNOWMAN}"))
    append(
        main,
        decided(
            fact("Paid", "a:1"),
            at=9,
            query=Query.of(["Paid"], ["a:1"]) | Query.of(tags=["b:1"]),
            after=1,
            author="ann",
            message="rent\n",
            command={"name": "pay", "arguments": {"cents": 5}},
            metadata={"ip": "::1"},
        ),
    )
    one(main)  # authored before the one that it stands on
    first = branches.create(
        "what-if", (0,), 3, [decided(fact("Paid", "a:2"), query=Query.of(["Paid"]), after=3)]
    )
    branches.create("what-if-not", first.chain, 4, [decided(), decided(fact("Paid", "a:2"))])
    branches.create("gone", (0,), 2, [decided(id="of the deleted branch")])
    branches.create("empty", (0,), 4)
    branches.delete("gone")
    branches.set_mark("q3", (0,), 3, message="closed", author="bob")
    branches.set_mark("deep", branches.get("what-if-not").chain, 6)
    set_ref(store, "checkpoint/mail", "4", old=None)
    set_ref(store, f"{SNAPSHOT}0/Account/[1]", "{}", old=None)
    for number in range(3):
        one(main, fact("Filler", f"f:{number}"))


def contents(store: Store) -> tuple[Any, ...]:
    """All that a store holds, but for the refs that do not travel."""
    logs = [
        (number, store.origin(number), list(store.log(number).commits()), list(store.log(number).read()))
        for number in store.logs()
    ]
    return logs, {name: value for name, value in store.refs.list().items() if travels(name)}


@pytest.mark.parametrize("batch", [1, 3, 1000])
@pytest.mark.parametrize(("one", "other"), [("memory", "sqlite"), ("sqlite", "memory"), ("sqlite", "sqlite")])
def test_a_clone_has_all_that_the_source_has(make: Make, one: str, other: str, batch: int) -> None:
    source, target = make(one), make(other)
    history(source)
    report = clone(source, target, batch=batch)
    assert contents(target) == contents(source)
    assert verify(target).problems == []
    assert [branch.name for branch in Branches(target).all()] == ["main", "empty", "what-if", "what-if-not"]
    assert [entry.kind for entry in Branches(target).reflog.read()][:2] == ["Marked", "Marked"]
    assert (report.branches, report.marks, report.commits, report.events) == (4, 2, 10, 11)
    assert (report.known, report.head) == (0, source.log().head())


def test_an_empty_store_gives_an_empty_store(make: Make) -> None:
    target = make("sqlite")
    assert clone(MemoryStore(), target).head == ORIGIN
    assert contents(target) == contents(MemoryStore())


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_clone_has_the_secrets_and_what_is_known_of_withheld_parts(make: Make, kind: str) -> None:
    source, target = MemoryStore(), make(kind)
    whole = decided(fact("A"), fact("B", data=b'{"name":"ann"}'), author="ann", query=Query.of(["N"]))
    append(source.log(), withheld(whole, [AUTHOR, QUERY, DATA + 1]), decided(fact("C")))
    clone(source, target)
    assert list(target.log().commits()) == list(source.log().commits())
    assert verify(source).sound
    assert verify(target).sound


def test_a_clone_goes_on_as_the_source_would(source: Store) -> None:
    target = MemoryStore()
    clone(source, target)
    for store in (source, target):
        branches = Branches(
            store, clock=lambda: START, ids=lambda: "the next of the reflog", secrets=lambda: bytes(16)
        )
        append(branches.log("what-if-not"), decided(fact("More"), id="more", secret=bytes(16)))
        assert branches.create("next", (0,), 7).chain == (0, 6)
    assert contents(target) == contents(source)


def test_snapshots_are_left_out_and_those_of_the_target_are_left_alone(source: Store) -> None:
    target = MemoryStore()
    set_ref(target, f"{SNAPSHOT}mine", "{}", old=None)
    clone(source, target)
    assert source.refs.list(SNAPSHOT).keys() == {f"{SNAPSHOT}0/Account/[1]"}
    assert target.refs.list(SNAPSHOT).keys() == {f"{SNAPSHOT}mine"}


def test_a_store_has_an_id_and_a_key_of_its_own_that_no_clone_takes_along(source: Store) -> None:
    target = MemoryStore()
    mine, key = store_id(source), import_key(source)
    clone(source, target)
    assert target.refs.list(STORE) == {}
    theirs, their_key = store_id(target), import_key(target)
    assert theirs != mine
    assert their_key != key
    one(source.log())
    clone(source, target)
    assert (store_id(target), import_key(target)) == (theirs, their_key)
    assert (store_id(source), import_key(source)) == (mine, key)


def test_a_ref_of_no_namespace_stays_behind(source: Store) -> None:
    target = MemoryStore()
    set_ref(target, "checkpoint/other", "9", old=None)
    clone(source, target)
    assert target.refs.get("checkpoint/mail") is None
    assert target.refs.get("checkpoint/other") == "9"


@pytest.mark.parametrize("batch", range(1, 6))
def test_commits_of_one_batch_that_would_meet_each_other_go_in_as_one_again(make: Make, batch: int) -> None:
    source, target = make("memory"), make("sqlite")
    query = Query.of(["Taken"], ["seat:1"])
    one(source.log())
    both = [decided(fact("Taken", "seat:1"), query=query, after=1) for _ in range(2)]
    append(source.log(), decided(), both[0], decided(), decided(), both[1], decided())
    one(source.log())
    clone(source, target, batch=batch)
    assert contents(target) == contents(source)


def test_a_batch_is_no_larger_than_it_has_to_be(source: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    written = MemoryLog.append

    def noted(log: MemoryLog, batches: Any) -> Any:
        sizes.append(sum(len(draft.events) for batch in batches for draft in batch))
        return written(log, batches)

    monkeypatch.setattr(MemoryLog, "append", noted)
    clone(source, MemoryStore(), batch=2)
    assert max(sizes) == 2
    assert sum(sizes) > 10


def test_progress_comes_to_its_end(source: Store) -> None:
    told: list[tuple[str, int, int | None]] = []
    clone(source, MemoryStore(), batch=2, progress=lambda *how_far: told.append(how_far))
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})
    assert told[-1] == ("copying", 11, 11)


# Going on


WRITES: dict[str, list[tuple[type, str]]] = {
    "memory": [(MemoryLog, "append"), (MemoryStore, "create_log"), (MemoryRefs, "set")],
    "sqlite": [(SqliteLog, "append"), (SqliteStore, "create_log"), (SqliteRefs, "set")],
}


def cut(monkeypatch: pytest.MonkeyPatch, kind: str, writes: int) -> None:
    """Let only so many writes to a kind of store succeed."""
    left = iter(range(writes))

    def limited(write: Callable[..., Any]) -> Callable[..., Any]:
        def limited(*args: Any, **options: Any) -> Any:
            if next(left, None) is None:
                raise CutOffError
            return write(*args, **options)

        return limited

    for cls, name in WRITES[kind]:
        monkeypatch.setattr(cls, name, limited(getattr(cls, name)))


@pytest.mark.parametrize("kind", WRITES)
def test_a_clone_that_was_cut_off_anywhere_has_no_branches_yet_and_goes_on(
    make: Make, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    source = make("sqlite" if kind == "memory" else "memory")
    history(source)
    writes = 0
    for writes in range(100):
        target = make(kind)
        with monkeypatch.context() as patch:
            cut(patch, kind, writes)
            try:
                clone(source, target, batch=2)
            except CutOffError:
                pass
            else:
                break
        there = sum(len(list(target.log(number).commits())) for number in target.logs())
        assert not target.refs.list() or there == 17
        report = clone(source, target, batch=3)
        assert report.events + report.known == 11
        assert contents(target) == contents(source)
    assert writes > 20  # appends, logs and refs: it was cut off between any two


def test_a_second_clone_adds_nothing(source: Store) -> None:
    target = MemoryStore()
    clone(source, target)
    before = contents(target)
    report = clone(source, target)
    assert (report.commits, report.events, report.refs, report.known) == (0, 0, 0, 11)
    assert contents(target) == before


def test_a_later_clone_brings_over_what_is_new(source: Store) -> None:
    target, branches = MemoryStore(), Branches(source)
    clone(source, target)
    one(source.log())
    append(branches.log("what-if"), decided())
    branches.create("new", (0,), 8, [decided()])
    what_if = branches.get("what-if")
    branches.move(what_if, branches.fork((0,), 7), "Rebased")
    branches.delete("empty")
    branches.delete_mark("q3")
    branches.set_mark("q3", (0,), 5)
    branches.delete_mark("deep")
    report = clone(source, target)
    assert contents(target) == contents(source)
    assert (report.commits, report.events, report.known) == (3, 3, 11)
    assert report.refs == 5


def test_what_is_written_meanwhile_leaves_nothing_that_stands_on_nothing(
    source: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    branches, target, names = Branches(source), MemoryStore(), iter(range(1000))
    writing = False

    def written(read: Callable[..., Any]) -> Callable[..., Any]:
        def read_and_written(*args: Any, **options: Any) -> Any:
            nonlocal writing
            found = read(*args, **options)
            if not writing:
                writing = True
                name, main = f"n{next(names)}", source.log()
                branches.create(name, (0,), one(main).position, [decided(), decided()])
                append(branches.log("what-if"), decided())
                branches.set_mark(
                    f"{name}-mark", branches.get(name).chain, branches.log(name).head().position
                )
                writing = False
            return found

        return read_and_written

    with monkeypatch.context() as patch:
        for part, name in ((source.refs, "list"), (source, "logs"), (source, "origin"), (source, "log")):
            patch.setattr(part, name, written(getattr(part, name)))
        clone(source, target)
    assert next(names) > 5
    assert verify(target).problems == []
    assert len(Branches(target).names()) < len(branches.names())
    clone(source, target)
    assert contents(target) == contents(source)


# Refusing


def test_a_store_is_not_cloned_into_itself(source: Store) -> None:
    before = contents(source)
    with pytest.raises(StoreExists, match="one store"):
        clone(source, source)
    assert contents(source) == before


def test_the_same_file_by_another_store_is_not_harmed(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a.db")) as source, closing(SqliteStore(tmp_path / "a.db")) as same:
        history(source)
        before = contents(source)
        clone(source, same)
        assert contents(source) == before


OWN: dict[str, Callable[[Store], object]] = {
    "commits in main": lambda store: one(store.log()),
    "commits in log 1 ": lambda store: one(store.log(1)),
    "log 6, which": lambda store: create_log(store, ORIGIN),
    "commits in log 2 ": lambda store: Branches(store).set_mark("mine", (0,), 2),
    "the ref branch/mine, which is not there": lambda store: set_ref(store, "branch/mine", "[0]", old=None),
    "the ref reflog, which is another": lambda store: set_ref(store, "reflog", "1", old="2"),
}


@pytest.mark.parametrize("says", OWN)
def test_a_target_with_something_of_its_own_is_refused_and_left_as_it_is(source: Store, says: str) -> None:
    target = MemoryStore()
    clone(source, target)
    OWN[says](target)
    one(source.log())
    before = contents(target)
    with pytest.raises(StoreExists, match=says):
        clone(source, target)
    assert contents(target) == before


def test_a_branch_that_no_reflog_tells_of_is_not_moved(source: Store) -> None:
    target = MemoryStore()
    clone(source, target)
    for store, value in (source, "[0,1]"), (target, "[0,5]"):
        set_ref(store, "branch/silent", value, old=None)
    with pytest.raises(StoreExists, match="the ref branch/silent, which is another in the source"):
        clone(source, target)
    assert target.refs.get("branch/silent") == "[0,5]"


def test_a_target_of_another_history_is_refused(source: Store) -> None:
    target = MemoryStore()
    one(target.log())
    with pytest.raises(StoreExists, match="commits in main that the source has not; it ends at #1"):
        clone(source, target)
    assert [len(list(target.log().commits())), *target.logs(), *target.refs.list()] == [1, 0]


def test_a_log_on_another_origin_is_refused(source: Store) -> None:
    target = MemoryStore()
    create_log(target, Head(3, bytes(32), START))
    with pytest.raises(StoreExists, match="a log 1 that stands on another commit"):
        clone(source, target)
    assert target.log().head() == ORIGIN


def test_numbers_that_cannot_be_the_same_are_refused(source: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    target = MemoryStore()
    with monkeypatch.context() as patch:
        patch.setattr(source, "logs", lambda: [0, 1, 3])
        with pytest.raises(StoreError, match="no log 2"):
            clone(source, target)
    assert contents(target) == contents(MemoryStore())
    made = target.create_log
    monkeypatch.setattr(target, "create_log", lambda origin: (made(origin), made(origin))[1])
    with pytest.raises(StoreError, match="made log 2 where 1 was next"):
        clone(source, target)
    assert not target.refs.list()


def test_who_writes_to_the_target_meanwhile_is_noticed(
    source: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = MemoryStore()

    def meanwhile(stage: str, done: int, total: int | None) -> None:
        if done == 4:
            one(target.log())

    with pytest.raises(HeadMoved):
        clone(source, target, batch=2, progress=meanwhile)
    assert not target.refs.list()
    target = MemoryStore()

    def at_the_end(stage: str, done: int, total: int | None) -> None:
        if done == 8:  # main is copied, and a branch is next
            one(target.log())

    with pytest.raises(StoreError, match=r"main of the target ends at #8 .*, and not at #7"):
        clone(source, target, progress=at_the_end)
    assert not target.refs.list()
    target = MemoryStore()
    monkeypatch.setattr(target.refs, "set", lambda *_, old: False)
    with pytest.raises(StoreError, match="branch/empty of the target was set by somebody else"):
        clone(source, target)


TAMPERED = {
    "data": "UPDATE events SET data = '{\"n\":2}' WHERE position = 3",
    "type": "UPDATE events SET type = 'Lost' WHERE position = 3",
    "missing": "DELETE FROM events WHERE position = 3",
    "time": "UPDATE commits SET time = time + 1 WHERE position = 3",
    "message": "UPDATE commits SET message = 'loan' WHERE position = 3",
    "query": "UPDATE commits SET query = '[]' WHERE position = 3",
    "after": "UPDATE commits SET after = 2 WHERE position = 3",
    "size": "UPDATE commits SET size = 2 WHERE position = 3",
    "content": "UPDATE commits SET content = hash WHERE position = 3",
    "hash": "UPDATE commits SET hash = content WHERE position = 3",
    "branch": "UPDATE events SET type = 'Lost' WHERE position = (1 << 40) + 4",
}


@pytest.mark.parametrize("what", TAMPERED)
@pytest.mark.parametrize("batch", [1, 1000])
def test_a_source_that_was_changed_is_refused_with_the_commit_that_is_wrong(
    tmp_path: Path, what: str, batch: int
) -> None:
    path, target = tmp_path / "bank.db", MemoryStore()
    with closing(SqliteStore(path)) as source:
        history(source)
        place, log = ("log 1, commit", source.log(1)) if what == "branch" else ("main, commit", source.log())
        wrong = next(log.commits(after=3 if what == "branch" else 2))
    with closing(sqlite3.connect(path)) as database:
        database.execute(TAMPERED[what])
        database.commit()
    with closing(SqliteStore(path)) as source:
        with pytest.raises(StoreCorrupt, match=f"{place} {wrong.id} at #{wrong.position}"):
            clone(source, target, batch=batch)
        assert verify(source).problems
    assert verify(target).problems == []
    assert target.log(target.logs()[-1]).head().position == (
        0 if batch > 1 and what != "branch" else wrong.first - 1
    )
    assert not target.refs.list()


def test_a_source_whose_marks_name_other_commits_gets_no_branches_into_the_target(source: Store) -> None:
    text = source.refs.get("mark/q3")
    assert text is not None
    mark = msgspec.json.decode(text)
    set_ref(source, "mark/q3", msgspec.json.encode({**mark, "hash": "00"}).decode(), old=text)
    target = MemoryStore()
    with pytest.raises(StoreError, match="mark q3 names another commit"):
        clone(source, target)
    assert not target.refs.list()


def test_a_target_that_records_something_else_is_noticed(
    source: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = MemoryLog.append

    def forgetful(log: MemoryLog, batches: Any) -> Any:
        return written(
            log, [[msgspec.structs.replace(draft, author="") for draft in batch] for batch in batches]
        )

    monkeypatch.setattr(MemoryLog, "append", forgetful)
    with pytest.raises(StoreCorrupt, match="the target did not record main as it was after #0"):
        clone(source, MemoryStore())

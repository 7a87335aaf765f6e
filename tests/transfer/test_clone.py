"""Cloning a store: what its names lead to, the same, checked, and going on where it stopped."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest

from backstory.conformance.sample import decided, fact, one
from backstory.errors import HeadMoved, LogDropped, StoreCorrupt, StoreError, StoreExists
from backstory.history.check.verify import verify
from backstory.history.refs.branches import Branches
from backstory.local import import_key, store_id
from backstory.refs import BRANCH, MAIN, MAIN_MOVES, MARK, REFLOG, SETTING, STORE, STORE_ID, travels
from backstory.store import Store, append, create_log, set_ref, write
from backstory.stores.memory import MemoryStore
from backstory.stores.memory.log import MemoryLog
from backstory.stores.sqlite import SqliteStore
from backstory.transfer import clone
from backstory.transfer.names import names_of
from backstory.transfer.wanted import Wanted
from backstory.unit import Append, DropLog, Holds, Unit
from backstory.values.commit import AUTHOR, DATA, ORIGIN, QUERY, Draft, drafted, withheld
from backstory.values.query import Query
from tests.transfer.contents import contents, said, sizes

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
    paid = decided(
        fact("Paid", "a:1"),
        at=9,
        query=Query.of(["Paid"], ["a:1"]) | Query.of(tags=["b:1"]),
        after=1,
        author="ann",
        message="rent\n",
        command={"name": "pay", "arguments": {"cents": 5}},
        metadata={"ip": "::1"},
    )
    append(main, msgspec.structs.replace(paid, signature=b"signed"))
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
    branches.set_mark("beginning", (0,), 0)
    write(store, branches.settling("what-if", ["left out"]))
    set_ref(store, "checkpoint/mail", "4", old=None)
    store.caches.set("Account", b"{}")
    append(main, decided(fact("Filler", "f:0"), query=Query.of(["Filler"]), after=4))
    for number in (1, 2):
        one(main, fact("Filler", f"f:{number}"))


@pytest.mark.parametrize("batch", [1, 3, 1000])
@pytest.mark.parametrize(("one", "other"), [("memory", "sqlite"), ("sqlite", "memory"), ("sqlite", "sqlite")])
def test_a_clone_has_all_that_the_names_of_the_source_lead_to(
    make: Make, one: str, other: str, batch: int
) -> None:
    source, target = make(one), make(other)
    history(source)
    report = clone(source, target, batch=batch)
    assert contents(target) == contents(source)
    assert verify(target).problems == []
    assert [branch.name for branch in Branches(target).all()] == ["main", "empty", "what-if", "what-if-not"]
    assert (report.branches, report.marks, report.commits, report.events) == (4, 3, 9, 10)
    assert (report.known, report.refs, report.head) == (0, 7, source.log().head())


def test_an_empty_store_gives_an_empty_store(make: Make) -> None:
    target = make("sqlite")
    assert clone(MemoryStore(), target).head == ORIGIN
    assert contents(target) == contents(MemoryStore())
    assert target.logs() == [0]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_clone_has_the_secrets_signatures_and_what_is_known_of_withheld_parts(
    make: Make, kind: str
) -> None:
    source, target = MemoryStore(), make(kind)
    whole = decided(fact("A"), fact("B", data=b'{"name":"ann"}'), author="ann", query=Query.of(["N"]))
    whole = msgspec.structs.replace(whole, signature=b"by ann")
    append(source.log(), withheld(whole, [AUTHOR, QUERY, DATA + 1]), decided(fact("C")))
    clone(source, target)
    assert list(target.log().commits()) == list(source.log().commits())
    assert next(target.log().commits()).signature == b"by ann"
    assert verify(source).sound
    assert verify(target).sound


def test_a_clone_goes_on_as_the_source_would(source: Store) -> None:
    target = MemoryStore()
    clone(source, target)
    for store in (source, target):
        branches = Branches(store)
        append(branches.log("what-if-not"), decided(fact("More"), id="more", secret=bytes(16)))
        branches.create("next", branches.get(MAIN).chain, 7, [decided(id="next", secret=bytes(16))])
    assert contents(target) == contents(source)


# What travels


def test_what_no_name_leads_to_stays_behind(source: Store) -> None:
    target = MemoryStore()
    clone(source, target)
    assert sizes(source) == [0, 1, 1, 2, 6]
    assert sizes(target) == [0, 1, 2, 6]
    assert target.refs.get(REFLOG) is None
    assert target.caches.names() == []


def test_of_a_log_without_a_name_only_that_travels_which_something_stands_on(make: Make) -> None:
    source, target = make("sqlite"), make("sqlite")
    branches = Branches(source)
    one(source.log())
    gone = branches.create("gone", (0,), 1, [decided(), decided(), decided(id="nobody needs it")])
    branches.create("deep", gone.chain, 2, [decided()])
    branches.set_mark("here", gone.chain, 3)
    branches.delete("gone")
    report = clone(source, target)
    assert contents(target) == contents(source)
    assert (sizes(target), report.commits) == ([1, 1, 2], 4)
    assert clone(source, target).commits == 0
    branches.restore("gone", gone.number)
    report = clone(source, target)
    assert contents(target) == contents(source)
    assert (report.commits, report.known, report.refs) == (3, 2, 1)


def test_a_log_that_was_cut_inside_of_a_batch_comes_whole_once_it_has_a_name(source: Store) -> None:
    branches, target, query = Branches(source), MemoryStore(), Query.of(["Taken"])
    both = [decided(fact("Taken"), query=query, after=7) for _ in range(2)]
    gone = branches.create("batch", (0,), 7, both)
    branches.set_mark("inside", gone.chain, 8)
    branches.delete("batch")
    clone(source, target)
    assert contents(target) == contents(source)
    branches.restore("batch", gone.number)
    clone(source, target)
    assert contents(target) == contents(source)


def test_a_commit_that_several_logs_have_is_copied_with_the_one_that_a_branch_names(source: Store) -> None:
    branches, target = Branches(source), MemoryStore()
    gone = branches.create("fast", (0,), 7, [decided(), decided()])
    kept = branches.create("forward", (0,), 7)
    commits = list(branches.view(gone.chain).commits(after=7))
    append(
        source.log(kept.number),
        *(
            drafted(commit, source.log(gone.number).read(after=commit.first - 1, upto=commit.position))
            for commit in commits
        ),
        decided(),
    )
    branches.set_mark("fast-mark", gone.chain, 8)
    branches.delete("fast")
    clone(source, target)
    assert contents(target) == contents(source)
    assert sizes(target) == [0, 1, 2, 3, 6]


def test_branches_of_one_log_are_of_one_log_again(source: Store) -> None:
    set_ref(source, BRANCH + "twin", str(Branches(source).get("what-if").number), old=None)
    target = MemoryStore()
    clone(source, target)
    assert Branches(target).get("twin").number == Branches(target).get("what-if").number
    assert contents(target) == contents(source)


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


def test_refs_that_do_not_travel_stay_where_they_are(source: Store) -> None:
    target = MemoryStore()
    set_ref(source, MAIN_MOVES, "yes", old=None)
    set_ref(target, "checkpoint/other", "9", old=None)
    clone(source, target)
    assert {ref: text for ref, text in target.refs.list().items() if not travels(ref)} == {
        "checkpoint/other": "9"
    }


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
    target = MemoryStore()
    sizes: list[int] = []

    def noted(units: Sequence[Unit]) -> Any:
        batches = [step.batch for unit in units for step in unit.steps if isinstance(step, Append)]
        sizes.extend(sum(len(draft.events) for draft in batch) for batch in batches)
        return MemoryStore.write(target, units)

    monkeypatch.setattr(target, "write", noted)
    clone(source, target, batch=2)
    assert max(sizes) == 2
    assert sum(sizes) == 10


def test_progress_comes_to_its_end(source: Store) -> None:
    told: list[tuple[str, int, int | None]] = []
    clone(source, MemoryStore(), batch=2, progress=lambda *how_far: told.append(how_far))
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})
    assert told[-1] == ("copying", 10, 10)


# Going on


class Cut:
    """A store that is written to only so often, until it is healed; the last write is kept, or not."""

    def __init__(self, store: Store, writes: int, *, kept: bool) -> None:
        self._write = store.write
        self._left: Iterator[object] = iter(range(writes))
        self._kept = kept

    def write(self, units: Sequence[Unit]) -> Any:
        if next(self._left, None) is None:
            if self._kept:
                self._write(units)
            raise CutOffError
        return self._write(units)

    def heal(self) -> None:
        self._left = count()


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_clone_that_was_cut_off_anywhere_has_no_names_or_all_and_goes_on(
    make: Make, monkeypatch: pytest.MonkeyPatch, kind: str, kept: bool
) -> None:
    source = make("sqlite" if kind == "memory" else "memory")
    history(source)
    writes = 0
    for writes in range(100):
        target = make(kind)
        cut = Cut(target, writes, kept=kept)
        monkeypatch.setattr(target, "write", cut.write)
        try:
            clone(source, target, batch=2)
        except CutOffError:
            named = len(target.refs.list())
            assert named == 1 or contents(target) == contents(source)
        else:
            break
        cut.heal()
        report = clone(source, target, batch=3)
        assert report.events + report.known == 10
        assert contents(target) == contents(source)
        assert sizes(target) == [0, 1, 2, 6]
    assert writes > 8  # logs, appends and the names: it was cut off between any two


def test_a_second_clone_adds_nothing(source: Store) -> None:
    target = MemoryStore()
    clone(source, target)
    before, logs = contents(target), target.logs()
    report = clone(source, target)
    assert (report.commits, report.events, report.refs, report.known) == (0, 0, 0, 10)
    assert (contents(target), target.logs()) == (before, logs)


def test_a_later_clone_brings_over_what_is_new(source: Store) -> None:
    target, branches = MemoryStore(), Branches(source)
    clone(source, target)
    one(source.log())
    append(branches.log("what-if"), decided())
    branches.create("new", (0,), 8, [decided()])
    moved(source, "what-if", 7)
    branches.delete_mark("q3")
    branches.set_mark("q3", (0,), 5)
    branches.set_mark("q4", (0,), 8)
    write(source, branches.settling("what-if", ["another"]))
    report = clone(source, target)
    assert contents(target) == contents(source)
    assert (report.commits, report.events) == (2, 2)
    assert report.refs == 5


def moved(store: Store, name: str, position: int, *drafts: Draft) -> None:
    """Let a branch start at another point of the lowest log, as a rebase does."""
    branches = Branches(store)
    branch = branches.get(name)
    head = branches.view(branch.chain).head()
    stays = Holds(branch.number, head.position, head.hash, last=True)
    branches.move(branch, branches.start((0,), position), drafts, stays, {})


def test_names_that_the_source_has_no_more_stay(source: Store) -> None:
    target, branches = MemoryStore(), Branches(source)
    clone(source, target)
    before = contents(target)
    branches.delete("empty")
    branches.delete("what-if")
    branches.delete_mark("q3")
    assert clone(source, target).refs == 0
    assert contents(target) == before


def test_what_merges_left_out_is_united(source: Store) -> None:
    target = MemoryStore()
    clone(source, target)
    for store, left_out in (source, "one"), (target, "other"):
        write(store, Branches(store).settling("what-if", [left_out]))
    clone(source, target)
    assert Branches(target).settled("what-if") == {"left out", "one", "other"}
    assert Branches(source).settled("what-if") == {"left out", "one"}


def test_a_target_with_branches_and_marks_of_its_own_keeps_them(source: Store) -> None:
    target = MemoryStore()
    clone(source, target)
    mine = Branches(target)
    mine.create("mine", mine.get("what-if").chain, 4, [decided()])
    mine.set_mark("my-mark", mine.get("mine").chain, 5)
    before = said(target, "mine")
    one(source.log())
    append(Branches(source).log("what-if"), decided())
    clone(source, target)
    assert said(target, "mine") == before
    assert mine.mark("my-mark")
    assert all(said(target, name) == said(source, name) for name in Branches(source).names())


def test_stores_take_branches_from_each_other(source: Store) -> None:
    target = MemoryStore()
    clone(source, target)
    mine = Branches(target)
    mine.create("mine", mine.get("what-if").chain, 4, [decided()])
    append(Branches(source).log("what-if"), decided())
    clone(source, target)
    report = clone(target, source)
    assert contents(source) == contents(target)
    assert (report.commits, report.refs) == (1, 1)


def test_a_log_that_the_target_has_under_another_name_gets_no_commits_of_the_source(source: Store) -> None:
    target, branches = MemoryStore(), Branches(source)
    clone(source, target)
    number = branches.get("what-if").number
    branches.delete("what-if")
    branches.restore("renamed", number)
    append(branches.log("renamed"), decided())
    before = said(target, "what-if")
    clone(source, target)
    assert said(target, "what-if") == before
    assert said(target, "renamed") == said(source, "renamed")
    append(branches.log("renamed"), decided())
    assert clone(source, target).commits == 1
    assert said(target, "renamed") == said(source, "renamed")


def test_a_branch_that_starts_later_than_it_did_has_no_commits_of_main_as_its_own(source: Store) -> None:
    target = MemoryStore()
    clone(source, target)
    moved(source, "empty", 7, decided())
    assert clone(source, target).commits == 1
    assert contents(target) == contents(source)


def test_two_branches_of_a_log_that_went_apart_are_told_apart(source: Store) -> None:
    branches, target = Branches(source), MemoryStore()
    set_ref(source, BRANCH + "twin", str(branches.get("empty").number), old=None)
    clone(source, target)
    moved(source, "twin", 4, decided())
    append(branches.log("empty"), decided())
    clone(source, target)
    assert contents(target) == contents(source)


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
        for part, name in ((source.refs, "list"), (source, "holding"), (source, "origin"), (source, "log")):
            patch.setattr(part, name, written(getattr(part, name)))
        clone(source, target)
    assert next(names) > 5
    assert verify(target).problems == []
    assert len(Branches(target).names()) < len(branches.names())
    clone(source, target)
    assert contents(target) == contents(source)


# Main


def test_main_of_a_new_store_is_the_history_of_main_whatever_logs_that_is_made_of(make: Make) -> None:
    source, target = make("memory"), make("sqlite")
    history(source)
    set_ref(source, MAIN_MOVES, "yes", old=None)
    moved(source, MAIN, 4, decided(fact("Paid"), query=Query.of(["Paid"]), after=4), decided())
    Branches(source).create("old", (0,), 7)
    for _ in range(2):
        clone(source, target, batch=2)
        assert said(target, MAIN) == said(source, MAIN)
        assert {name: said(target, name) for name in Branches(target).names()} == {
            name: said(source, name) for name in Branches(source).names()
        }
        one(Branches(source).log(MAIN))
    assert target.refs.get(BRANCH + MAIN) == "0"
    assert not target.refs.list(SETTING)


def test_main_is_moved_only_where_the_owner_of_the_target_lets_it_be(source: Store) -> None:
    target = MemoryStore()
    clone(source, target)
    set_ref(source, MAIN_MOVES, "yes", old=None)
    moved(source, MAIN, 4, decided())
    before = contents(target), target.logs()
    with pytest.raises(StoreExists, match=r"main of the target ends at #7.*setting/main-moves"):
        clone(source, target)
    assert (contents(target), target.logs()) == before
    set_ref(target, MAIN_MOVES, "yes", old=None)
    report = clone(source, target)
    assert contents(target) == contents(source)
    assert (report.commits, report.refs) == (1, 1)
    one(Branches(target).log(MAIN))
    with pytest.raises(StoreExists, match="commits in main that the source does not have; it ends at #6"):
        clone(source, target)


# Refusing


def test_a_store_is_not_cloned_into_itself(source: Store) -> None:
    before = contents(source)
    with pytest.raises(StoreExists, match="one store"):
        clone(source, source)
    assert contents(source) == before


def test_the_same_file_by_another_store_is_not_harmed(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a.db")) as source, closing(SqliteStore(tmp_path / "a.db")) as same:
        history(source)
        before = contents(source), source.logs()
        clone(source, same)
        assert (contents(source), source.logs()) == before


def renamed(store: Store, kind: str, other: str) -> None:
    """Give the name of a branch or a mark to the other kind of ref."""
    name = "deep" if kind == MARK else "empty"
    set_ref(store, kind + name, None, old=store.refs.get(kind + name))
    if other == MARK:
        Branches(store).set_mark(name, (0,), 2)
    else:
        Branches(store).create(name, (0,), 2)


OWN: dict[str, Callable[[Store], object]] = {
    "commits in main that the source does not have; it ends at #8": lambda store: one(store.log()),
    "commits in what-if that the source does not have; it ends at #5": lambda store: one(
        Branches(store).log("what-if")
    ),
    "a mark q3 of a commit that the source does not have, at #8": lambda store: marked(store, "q3"),
    "a mark empty, which is a branch in the source": lambda store: renamed(store, BRANCH, MARK),
    "a branch deep, which is a mark in the source": lambda store: renamed(store, MARK, BRANCH),
}


def marked(store: Store, name: str) -> None:
    """Let a mark name a commit of a branch of its own."""
    branches = Branches(store)
    branches.delete_mark(name)
    branches.set_mark(name, branches.create("mine", (0,), 7, [decided()]).chain, 8)


@pytest.mark.parametrize("says", OWN)
def test_a_target_that_would_lose_something_of_its_own_is_refused_and_left_as_it_is(
    source: Store, says: str
) -> None:
    target = MemoryStore()
    clone(source, target)
    OWN[says](target)
    one(source.log())
    before = contents(target), target.logs()
    with pytest.raises(StoreExists, match=f"the target has {says}; clone into a new store"):
        clone(source, target)
    assert (contents(target), target.logs()) == before


def test_a_target_of_another_history_is_refused(source: Store) -> None:
    target = MemoryStore()
    one(target.log())
    with pytest.raises(StoreExists, match="commits in main that the source does not have; it ends at #1"):
        clone(source, target)
    assert (sizes(target), len(target.refs.list())) == ([1], 1)


def test_a_log_of_the_target_that_stands_on_the_same_commit_and_has_no_name_is_not_used(
    source: Store,
) -> None:
    target = MemoryStore()
    create_log(target, source.origin(Branches(source).get("what-if").number))
    clone(source, target)
    assert target.log(1).head().position == 3
    assert contents(target) == contents(source)


def test_a_source_that_was_put_back_and_went_on_differently_gets_another_log() -> None:
    first, other, target = MemoryStore(), MemoryStore(), MemoryStore()
    one(first.log())
    clone(first, other)
    for store in (first, other):
        set_ref(store, STORE_ID, "the same", old=None)
        Branches(store).create("trial", (0,), 1, [decided()])
    clone(first, target)
    Branches(target).delete("trial")
    clone(other, target)
    assert said(target, "trial") == said(other, "trial")


def test_whoever_writes_to_the_target_meanwhile_is_noticed(source: Store) -> None:
    def meanwhile(at: int, change: Callable[[Store], object]) -> tuple[Store, Any]:
        target = MemoryStore()

        def progress(_stage: str, done: int, _total: int | None) -> None:
            if done == at:
                change(target)

        return target, progress

    target, progress = meanwhile(4, lambda target: one(target.log()))
    with pytest.raises(HeadMoved):
        clone(source, target, batch=2, progress=progress)
    assert len(target.refs.list()) == 1
    target, progress = meanwhile(10, lambda target: one(target.log()))
    with pytest.raises(
        StoreError, match=r"no name is set, because somebody else .* has gone on .* to position 8"
    ):
        clone(source, target, progress=progress)
    assert len(target.refs.list()) == 1
    for name in "branch/empty", "mark/what-if", "branch/q3":
        target, progress = meanwhile(10, partial(set_ref, name=name, value="0", old=None))
        with pytest.raises(StoreError, match=f"no name is set, because somebody else .*{name}.* clone again"):
            clone(source, target, progress=progress)
        assert len(target.refs.list()) == 2


TAMPERED = {
    "data": "UPDATE events SET data = '{\"n\":2}' WHERE position = 5",
    "type": "UPDATE events SET type = 'Lost' WHERE position = 5",
    "missing": "DELETE FROM events WHERE position = 5",
    "time": "UPDATE commits SET time = time + 1 WHERE position = 5",
    "message": "UPDATE commits SET message = 'loan' WHERE position = 5",
    "query": "UPDATE commits SET query = '[]' WHERE position = 5",
    "after": "UPDATE commits SET after = 3 WHERE position = 5",
    "size": "UPDATE commits SET size = 2 WHERE position = 5",
    "content": "UPDATE commits SET content = hash WHERE position = 5",
    "hash": "UPDATE commits SET hash = content WHERE position = 5",
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
        place, log = ("branch what-if", source.log(1)) if what == "branch" else ("main", source.log())
        wrong = next(log.commits(after=3 if what == "branch" else 4))
    with closing(sqlite3.connect(path)) as database:
        database.execute(TAMPERED[what])
        database.commit()
    with closing(SqliteStore(path)) as source:
        with pytest.raises(StoreCorrupt, match=f"{place}, commit {wrong.id} at #{wrong.position}"):
            clone(source, target, batch=batch)
        assert verify(source).problems
    assert verify(target).problems == []
    assert target.log(target.logs()[-1]).head().position == (
        0 if batch > 1 and what != "branch" else wrong.first - 1
    )
    assert len(target.refs.list()) == 1


def test_a_source_with_a_name_that_leads_nowhere_is_refused_before_anything_is_written(source: Store) -> None:
    target = MemoryStore()
    text = source.refs.get("mark/q3")
    assert text is not None
    mark = msgspec.json.encode({**msgspec.json.decode(text), "hash": "00" * 32}).decode()
    for ref, value, says in (
        ("mark/q3", mark, "mark q3 names a commit at #3 that is not there; .* backstory verify"),
        ("branch/empty", "77", "log 77, which a branch names, is not there"),
    ):
        old = source.refs.get(ref)
        set_ref(source, ref, value, old=old)
        with pytest.raises(StoreCorrupt, match=says):
            clone(source, target)
        set_ref(source, ref, old, old=value)
        assert (target.logs(), len(target.refs.list())) == ([0], 1)


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


def test_a_log_of_the_source_that_is_dropped_meanwhile_is_told() -> None:
    source = MemoryStore()
    branches = Branches(source)
    dropped = branches.create("side", (0,), 0)
    wanted = Wanted(branches, names_of(source), ORIGIN)
    branches.delete("side")
    write(source, DropLog(dropped.number))
    with pytest.raises(LogDropped, match="clone again"):
        wanted.stretches()

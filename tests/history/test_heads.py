"""A head that was kept finds what fits together and is another history: cut off, replaced, or longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backstory.conformance.sample import decided, fact
from backstory.errors import UnknownRevision
from backstory.history.check.heads import kept, written
from backstory.history.check.verify import verify
from backstory.history.refs.branches import MAIN, Branches
from backstory.store import Store, append
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from backstory.values.commit import NO_HASH, ORIGIN
from tests.postgres.schemas import schemas

Make = Callable[..., Store]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes stores whose main has commits with these ids. The same ids give the same history."""
    made: list[Store] = []

    def store(*ids: str) -> Store:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        new: dict[str, Callable[[], Store]] = {
            "memory": MemoryStore,
            "sqlite": lambda: SqliteStore(folder / "history.db"),
            "postgres": lambda: schemas().open(folder),
        }
        made.append(new[request.param]())
        extend(made[-1], *ids)
        return made[-1]

    yield store
    for each in made:
        each.close()


def extend(store: Store, *ids: str, branch: str = MAIN) -> None:
    """Append a commit of two events with each of these ids."""
    for id in ids:
        append(Branches(store).log(branch), decided(fact("A", f"x:{id}"), fact("B"), id=id))


def head_of(store: Store, branch: str = MAIN) -> str:
    """The head, as one writes it down."""
    report = verify(store, branch=branch)
    assert report.sound
    assert report.head is not None
    return written(report.head)


def both(store: Store, head: str, branch: str = MAIN) -> tuple[list[str], list[str]]:
    """The problems where it must end with this head, and where it must have it."""
    return (
        verify(store, branch=branch, head=head).problems,
        verify(store, branch=branch, since=head).problems,
    )


def bare(head: str) -> str:
    """The hash alone."""
    return head.split("-")[1]


def test_a_history_that_did_not_change_has_the_head_that_was_kept(make: Make) -> None:
    store = make("a", "b", "c")
    head = head_of(store)
    assert head.startswith("6-")
    for text in (head, bare(head), bare(head).upper(), f"{head}\n"):
        assert both(store, text) == ([], [])


def test_a_history_that_went_on_ends_with_another_head_and_still_has_the_old_one(make: Make) -> None:
    store = make("a", "b")
    head = head_of(store)
    extend(store, "c")
    assert both(store, head) == (["main has commits after the kept head #4, up to #6"], [])
    assert both(store, bare(head))[1] == []


def test_a_history_whose_last_commits_are_gone_is_told_from_the_one_that_was(make: Make) -> None:
    head, cut = head_of(make("a", "b", "c")), make("a", "b")
    assert verify(cut).sound
    for problems in both(cut, head):
        [problem] = problems
        assert problem.startswith("main ends at #4, before the kept head #6: ")
    for problems in both(cut, bare(head)):
        [problem] = problems
        assert problem.startswith(f"main has no commit with the hash of the kept head {bare(head)[:10]}: ")


def test_a_history_that_was_replaced_is_told_from_the_one_that_was(make: Make) -> None:
    head = head_of(make("a", "b"))
    for store in (make("a", "x"), make("x", "b"), make("a", "x", "c")):
        assert verify(store).sound
        for problems in both(store, head):
            assert problems == ["main has another commit at #4 than the kept head: history was replaced"]
        assert all(both(store, bare(head)))


def test_a_head_that_is_kept_with_another_position_is_not_found(make: Make) -> None:
    store = make("a", "b", "c")
    head = bare(head_of(store))
    for position in (0, 4, 5):
        assert all(both(store, f"{position}-{head}"))


def test_a_commit_whose_id_is_the_hash_of_another_does_not_stand_for_it(make: Make) -> None:
    head = bare(head_of(make("a", "b")))
    assert all(both(make("a", head), head))


def test_a_branch_has_the_heads_of_what_it_stands_on_and_its_own(make: Make) -> None:
    store = make("a", "b")
    start = head_of(store)
    branches = Branches(store)
    branches.create("side", (0,), 4)
    assert head_of(store, "side") == start
    extend(store, "c", branch="side")
    extend(store, "d")
    side, main = head_of(store, "side"), head_of(store)
    assert both(store, side, "side") == ([], [])
    assert both(store, start, "side") == (["side has commits after the kept head #4, up to #6"], [])
    for head, branch in ((main, "side"), (side, MAIN)):
        for text in (head, bare(head)):
            assert all(both(store, text, branch))


def test_the_head_of_an_empty_history_is_part_of_every_one(make: Make) -> None:
    empty = head_of(make())
    assert empty == f"0-{NO_HASH.hex()}" == written(ORIGIN)
    store = make("a")
    for text in (empty, bare(empty)):
        assert both(make(), text) == ([], [])
        last, since = both(store, text)
        assert len(last) == 1
        assert since == []
    assert all(both(make(), head_of(store)))


@pytest.mark.parametrize(
    "text", ["", "abc", "a" * 63, "g" * 64, "-" + "a" * 64, "1-" + "a" * 65, "6-", "main"]
)
def test_a_head_that_is_not_whole_is_refused(text: str) -> None:
    with pytest.raises(UnknownRevision, match="64 hex digits"):
        kept(text)
    with pytest.raises(UnknownRevision):
        verify(MemoryStore(), since=text)


def test_there_is_no_head_of_a_branch_that_is_not_there(make: Make) -> None:
    with pytest.raises(UnknownRevision, match="no such branch"):
        verify(make("a"), branch="gone")

"""Clones to and fro between stores that go their own ways, some of them cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backstory.conformance.sample import decided, fact
from backstory.errors import AppendError, BranchError, StoreExists, UnknownRevision
from backstory.history.check.verify import verify
from backstory.history.merge.merge import Options, merge
from backstory.history.refs.branches import Branch, Branches
from backstory.refs import REFLOG
from backstory.stores.memory import MemoryStore
from backstory.transfer import clone
from backstory.unit import Holds, Unit
from backstory.values.query import Query
from tests.transfer.contents import contents, said


class CutOffError(Exception):
    """Where a clone is killed."""


class CutStore(MemoryStore):
    """A store that can be written to only so often, where `left` says so."""

    left: Iterator[object] = count()

    def write(self, units: Sequence[Unit]) -> Any:
        if next(self.left, None) is None:
            raise CutOffError
        return super().write(units)


Change = Callable[[Random, Branches, Branch], object]


def points(branches: Branches, branch: Branch) -> list[int]:
    return [0, *(commit.position for commit in branches.view(branch.chain).commits())]


def appended(chance: Random, branches: Branches, branch: Branch) -> None:
    log, query = branches.open(branch), Query.of(tags=[f"x:{chance.randrange(2)}"])
    after = log.head().position
    log.append([[decided(fact("T", "x:1"), query=query, after=after) for _ in range(chance.randint(1, 2))]])


def made(chance: Random, branches: Branches, branch: Branch) -> None:
    position = chance.choice(points(branches, branch))
    branches.create(f"b{chance.randrange(4)}", branch.chain, position, [decided()] * chance.randrange(2))


def marked(chance: Random, branches: Branches, branch: Branch) -> None:
    branches.set_mark(f"m{chance.randrange(2)}", branch.chain, chance.choice(points(branches, branch)))


def restored(chance: Random, branches: Branches, _branch: Branch) -> None:
    numbers = [number for number in branches.store.logs() if str(number) != branches.store.refs.get(REFLOG)]
    branches.restore(f"b{chance.randrange(4)}", chance.choice(numbers))


def moved(chance: Random, branches: Branches, branch: Branch) -> None:
    onto, head = branches.get(chance.choice(branches.names())), branches.view(branch.chain).head()
    start = branches.start(onto.chain, chance.choice(points(branches, onto)))
    stays = Holds(branch.number, head.position, head.hash, last=True)
    branches.move(branch, start, [decided()] * chance.randrange(2), stays, {})


def merged(chance: Random, branches: Branches, branch: Branch) -> None:
    merge(branches, branch.name, chance.choice(branches.names()), Options(resolution="skip"))


def deleted(_chance: Random, branches: Branches, branch: Branch) -> None:
    branches.delete(branch.name)


CHANGES: list[Change] = [appended, appended, made, made, marked, restored, moved, merged, deleted]


def cloned(chance: Random, source: CutStore, target: CutStore) -> None:
    """Clone, where it was cut off once more, and compare; a target that is refused is as it was."""
    here, there = Branches(source), Branches(target)
    before, logs = contents(target), target.logs()
    numbers = [there.get(name).number for name in there.names()]
    own = {name: said(target, name) for name in there.names() if here.find(name) is None}
    alone = [name for name in own if numbers.count(there.get(name).number) == 1]
    target.left = iter(range(chance.randrange(4))) if chance.random() < 0.5 else count()
    try:
        clone(source, target, batch=chance.choice([1, 100]))
    except StoreExists:
        assert (contents(target), target.logs()) == (before, logs)
        return
    except CutOffError:
        assert contents(target)[1:] == before[1:]
        assert there.names() == list(before[0])
    finally:
        target.left = count()
    clone(source, target)
    assert all(said(target, name) == said(source, name) for name in here.names())
    assert all(said(target, name) == own[name] for name in alone)
    assert all(there.mark(mark.name) == mark for mark in here.marks())
    assert verify(target).problems == []
    again = clone(source, target)
    assert (again.commits, again.refs) == (0, 0)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_stores_that_go_their_own_ways_and_are_cloned_lose_nothing(chance: Random) -> None:
    stores = [CutStore(), CutStore()]
    for _ in range(20):
        chance.shuffle(stores)
        source, target = stores
        if chance.random() < 0.3:
            cloned(chance, source, target)
            continue
        branches = Branches(source)
        with suppress(BranchError, UnknownRevision, AppendError):
            chance.choice(CHANGES)(chance, branches, branches.get(chance.choice(branches.names())))

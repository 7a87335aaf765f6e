"""What a store holds under its names, whatever the numbers of its logs are: to compare one store with another."""

from __future__ import annotations

from typing import Any

from backstory.history.refs.branches import Branches
from backstory.refs import MARK, REFLOG, SETTLED
from backstory.store import Store


def contents(store: Store) -> tuple[Any, ...]:
    """The history of each branch and what its log stands on, each mark, and what merges left out."""
    branches = Branches(store)
    histories = {
        branch.name: (branches.origin(branch.chain), *said(store, branch.name)) for branch in branches.all()
    }
    marked = [branches.marked(mark) and mark.name for mark in branches.marks()]
    return histories, marked, store.refs.list(MARK), store.refs.list(SETTLED)


def said(store: Store, name: str) -> tuple[Any, ...]:
    """The commits and events of a branch."""
    log = Branches(store).log(name)
    return list(log.commits()), list(log.read())


def sizes(store: Store) -> list[int]:
    """How many commits each log has, but for the reflog."""
    numbers = (number for number in store.logs() if str(number) != store.refs.get(REFLOG))
    return sorted(len(list(store.log(number).commits())) for number in numbers)

"""The names of a store that travel: its branches and marks, and the decisions that merges into a branch left out."""

from __future__ import annotations

import msgspec

from backstory.errors import StoreCorrupt
from backstory.history.refs.branches import MAIN, Mark, mark_of, number_of
from backstory.refs import BRANCH, MARK, SETTLED, travels
from backstory.store import Store
from backstory.told import pasted


class Names(msgspec.Struct, frozen=True):
    """The refs that travel, as they were at one moment, and their values.

    `branches` has the number of each branch's log in this store, main's first; `settled` the refs of decisions that
    merges left out.
    """

    refs: dict[str, str]
    branches: dict[str, int]
    marks: dict[str, Mark]
    settled: dict[str, str]


def names_of(store: Store) -> Names:
    """The names of a store. Raises `StoreCorrupt` for one that is damaged."""
    refs = {ref: text for ref, text in store.refs.list().items() if travels(ref)}
    branches = {
        name: number_of(name, text)
        for name, text in sorted(_under(BRANCH, refs).items(), key=lambda each: each[0] != MAIN)
    }
    if MAIN not in branches:
        raise StoreCorrupt(f"the branch main is missing; run: {pasted('verify')}")
    marks = {name: mark_of(name, text) for name, text in _under(MARK, refs).items()}
    return Names(refs, branches, marks, _under(SETTLED, refs))


def _under(prefix: str, refs: dict[str, str]) -> dict[str, str]:
    return {ref.removeprefix(prefix): text for ref, text in refs.items() if ref.startswith(prefix)}

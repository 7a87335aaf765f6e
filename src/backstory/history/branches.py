"""Branches and marks: names for logs, and for points of them.

A branch is a chain of logs: main, then a log for each fork on the way, each standing on a point of the one
below. Its ref holds the whole chain, so it depends on no other ref, and making one costs the same however long
the history is.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from datetime import datetime
from itertools import pairwise

import msgspec

from backstory.commit import ORIGIN, Draft, Guard, Head, from_micros, micros
from backstory.errors import BranchError, StoreCorrupt, UnknownRevision
from backstory.forks import on_fork
from backstory.history.guarded import GuardedLog, Named
from backstory.history.reflog import Reflog
from backstory.ids import new_id, new_secret, now
from backstory.refs import BRANCH, MARK
from backstory.store import Log, Store, append, commit_at
from backstory.stores.overlay import OverlayLog

MAIN = "main"
NAME = re.compile(r"[^\s~^:@#{}\\*?\[\].-][^\s~^:@#{}\\*?\[\]]*(?<!\.)")
NAME_LIMIT = 200
Chain = tuple[int, ...]

TRIAL = -1
"""In a chain: a log that is in no store."""


class Branch(msgspec.Struct, frozen=True):
    """A named log: the numbers of the logs that it is made of, main's first."""

    name: str
    chain: Chain

    @property
    def ref(self) -> str:
        """The name of its ref."""
        return BRANCH + self.name

    @property
    def value(self) -> str:
        """What its ref says."""
        return msgspec.json.encode(self.chain).decode()

    @property
    def named(self) -> Named | None:
        """The guard of writes that are for it; None for main, which is never moved."""
        return None if self.name == MAIN else Named(self.name, Guard(self.ref, self.value))


class Mark(msgspec.Struct, frozen=True):
    """A name and a message for a point of history."""

    name: str
    chain: Chain
    position: int
    hash: str
    message: str
    author: str
    made: int

    @property
    def time(self) -> datetime:
        """When it was made."""
        return from_micros(self.made)


class Branches:
    """The branches and marks of one store."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = now,
        ids: Callable[[], str] = new_id,
        secrets: Callable[[], bytes] = new_secret,
    ) -> None:
        self.store = store
        self.clock = clock
        self.secrets = secrets
        self.reflog = Reflog(store, clock=clock, ids=ids, secrets=secrets)
        self._views: dict[Chain, Log] = {}
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        on_fork(child=self._begin)

    def get(self, name: str) -> Branch:
        """The branch of this name. Raises `UnknownRevision` with what exists."""
        branch = self.find(name)
        if branch is None:
            raise UnknownRevision(name, f"there is no such branch; there are: {', '.join(self.names())}")
        return branch

    def find(self, name: str) -> Branch | None:
        """The branch of this name, None where there is none."""
        if name == MAIN:
            return Branch(MAIN, (0,))
        text = self.store.refs.get(BRANCH + name)
        return None if text is None else Branch(name, chain_of(name, text))

    def all(self) -> Iterator[Branch]:
        """Every branch, main first."""
        yield Branch(MAIN, (0,))
        for ref, text in self.store.refs.list(BRANCH).items():
            name = ref.removeprefix(BRANCH)
            yield Branch(name, chain_of(name, text))

    def names(self) -> list[str]:
        """The names of all branches."""
        return [branch.name for branch in self.all()]

    def view(self, chain: Chain) -> Log:
        """The log that a chain makes; the same object for the same chain."""
        with self._lock:
            return self._view(chain)

    def _view(self, chain: Chain) -> Log:
        if chain not in self._views:
            *base, number = chain
            try:
                own = self.store.log(number)
            except KeyError:
                raise StoreCorrupt(f"log {number}, which a branch or a mark names, is not there") from None
            self._views[chain] = (
                OverlayLog(self._view(tuple(base)), self.store.origin(number), own) if base else own
            )
        return self._views[chain]

    def log(self, name: str) -> Log:
        """The log of a branch, to read and to append to. Raises `UnknownRevision`."""
        return self.open(self.get(name))

    def open(self, branch: Branch) -> Log:
        """The log of a branch, to read and to append to: it refuses commits once the branch was moved or deleted."""
        view, named = self.view(branch.chain), branch.named
        return view if named is None else GuardedLog(view, named)

    def beside(self, chain: Chain, log: Log) -> Branches:
        """These branches, and a chain that is in no store: its last log is a `TRIAL`."""
        other = copy(self)
        with self._lock:
            other._views = {**self._views, chain: log}
        other._begin()
        return other

    def create(self, name: str, chain: Chain, position: int, drafts: Sequence[Draft] = ()) -> Branch:
        """Make a branch that starts at a point of a chain of logs, and has these commits. Raises `BranchError`."""
        self.check_new(name)
        made = self.fork(chain, position)
        if drafts:
            append(self.view(made), *drafts)
        return self._name(name, made, "BranchCreated", position=position)

    def _name(self, name: str, chain: Chain, kind: str, /, **details: object) -> Branch:
        """Give a chain a name that is free. Raises `BranchError`."""
        branch = Branch(name, chain)
        if not self.store.refs.set(branch.ref, branch.value, old=None):
            raise BranchError(f"there is a branch {name!r} already")
        self.reflog.note(kind, name, **details)
        return branch

    def check_new(self, name: str) -> None:
        """Raise `BranchError` where no branch or mark can be made with this name."""
        fits = NAME.fullmatch(name) and len(name) <= NAME_LIMIT and name.isprintable()
        if not fits or name.upper() == "HEAD" or name.isdecimal() or ".." in name:
            raise BranchError(
                f"{name[:NAME_LIMIT]!r} cannot be a name: no spaces, nothing invisible, none of"
                " ~ ^ : @ # { } \\ * ? [ ], no '..', no number, not HEAD, no '-' or '.' at its beginning,"
                f" no '.' at its end, and at most {NAME_LIMIT} characters"
            )
        if self.find(name) is not None:
            raise BranchError(f"there is a branch {name!r} already")
        if self.mark(name) is not None:
            raise BranchError(f"there is a mark {name!r} already")

    def fork(self, chain: Chain, position: int) -> Chain:
        """A new log on top of a point, as the chain that leads to it. Raises `BranchError` inside of a commit."""
        chain = self.lowest(chain, position)
        return (*chain, self.store.create_log(head_at(self.view(chain), position)))

    def origin(self, chain: Chain) -> Head:
        """What the last log of a chain stands on."""
        view = self.view(chain)
        return view.origin if isinstance(view, OverlayLog) else ORIGIN

    def lowest(self, chain: Chain, position: int) -> Chain:
        """The part of a chain that reaches up to a position. Raises `BranchError` where that is in no store."""
        while len(chain) > 1 and position <= self.origin(chain).position:
            chain = chain[:-1]
        if TRIAL in chain:
            raise BranchError("this branch has no name; keep it with one first: trial.keep('what-if')")
        return chain

    def move(self, branch: Branch, chain: Chain, kind: str, **details: object) -> Branch:
        """Let a branch name another chain, as a rebase does; the old logs stay. Raises `BranchError` if it moved."""
        if branch.name == MAIN:
            raise BranchError("main is never moved: append to it, or merge into it")
        moved = Branch(branch.name, chain)
        if not self.store.refs.set(branch.ref, moved.value, old=branch.value):
            raise BranchError(f"branch {branch.name!r} was moved by someone else meanwhile; look again")
        self.reflog.note(kind, branch.name, was=list(branch.chain), **details)
        return moved

    def delete(self, name: str) -> Branch:
        """Delete a branch's name and return what it named. Its log stays, and the reflog can find it."""
        branch = self.get(name)
        if name == MAIN:
            raise BranchError("main cannot be deleted")
        if not self.store.refs.set(branch.ref, None, old=branch.value):
            raise BranchError(f"branch {name!r} was moved by someone else meanwhile; look again")
        self.reflog.note(
            "BranchDeleted", name, was=list(branch.chain), position=self.view(branch.chain).head().position
        )
        return branch

    def restore(self, name: str, chain: Chain) -> Branch:
        """Name a chain that the reflog remembers. Raises `BranchError`."""
        self.check_new(name)
        try:
            self.view(chain)
        except (StoreCorrupt, ValueError):
            raise BranchError(f"there is no history {list(chain)} in this store") from None
        return self._name(name, chain, "BranchRestored", chain=list(chain))

    def mark(self, name: str) -> Mark | None:
        """The mark of this name."""
        text = self.store.refs.get(MARK + name)
        return None if text is None else mark_of(name, text)

    def marks(self) -> list[Mark]:
        """Every mark, by name."""
        marks = self.store.refs.list(MARK).items()
        return [mark_of(ref.removeprefix(MARK), text) for ref, text in marks]

    def set_mark(
        self, name: str, chain: Chain, position: int, *, message: str = "", author: str = ""
    ) -> Mark:
        """Give a point of history a name. Raises `BranchError`."""
        self.check_new(name)
        chain = self.lowest(chain, position)
        head = head_at(self.view(chain), position)
        mark = Mark(name, chain, position, head.hash.hex(), message, author, micros(self.clock()))
        if not self.store.refs.set(MARK + name, msgspec.json.encode(mark).decode(), old=None):
            raise BranchError(f"there is a mark {name!r} already")
        self.reflog.note("Marked", name, position=position)
        return mark

    def delete_mark(self, name: str) -> None:
        """Forget a mark. Raises `UnknownRevision`."""
        text = self.store.refs.get(MARK + name)
        if text is None or not self.store.refs.set(MARK + name, None, old=text):
            raise UnknownRevision(name, "there is no such mark")
        self.reflog.note("Unmarked", name)

    def shared(self, one: Chain, other: Chain) -> tuple[Chain, int]:
        """What two branches have in common: the chain, and the position up to which it is the same history."""
        common = 0
        while common < min(len(one), len(other)) and one[common] == other[common]:
            common += 1
        ends = [
            self.origin(chain[: common + 1]).position
            if common < len(chain)
            else self.view(chain).head().position
            for chain in (one, other)
        ]
        return one[:common], min(ends)


def chain_of(name: str, text: str) -> Chain:
    """The logs that a branch's ref names. Raises `StoreCorrupt`."""
    try:
        return _checked(msgspec.json.decode(text, type=Chain))
    except (ValueError, TypeError) as error:
        raise StoreCorrupt(f"what branch {name} is made of is damaged: {error}") from error


def mark_of(name: str, text: str) -> Mark:
    """The mark that its ref holds. Raises `StoreCorrupt`."""
    try:
        mark = msgspec.json.decode(text, type=Mark)
        _checked(mark.chain)
    except (ValueError, TypeError) as error:
        raise StoreCorrupt(f"mark {name} is damaged: {error}") from error
    return mark


def _checked(chain: Chain) -> Chain:
    """A chain that begins with main, each log of it made later than the one below."""
    if chain[:1] != (0,) or any(number <= below for below, number in pairwise(chain)):
        raise ValueError(f"{list(chain[:10])} does not stand on main")
    return chain


def head_at(log: Log, position: int) -> Head:
    """The head as it was at a position. Raises `BranchError` beyond the log, and in the middle of a commit."""
    head = log.head()
    if position == head.position:
        return head
    if position == 0:
        return ORIGIN
    if not 0 < position < head.position:
        raise BranchError(f"there is no #{position}: the log ends at #{head.position}")
    commit = commit_at(log, position)
    if commit.position != position:
        raise BranchError(
            f"#{position} is in the middle of commit {commit.hash.hex()[:10]} (#{commit.first} to #{commit.position}):"
            f" start at its end, #{commit.position}, or before it, #{commit.first - 1}"
        )
    return Head(position, commit.hash, commit.time)

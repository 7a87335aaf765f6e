"""Branches and marks: names for logs, and for points of history.

A branch's ref holds the number of its log, which means something in this store only. A mark holds the position and hash
of its commit, wherever that is. Making either costs the same however long the history is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec

from backstory.errors import BranchError, NotThere, RefMoved, StoreCorrupt, UnknownRevision
from backstory.history.refs.chains import TRIAL, Chain, Chains
from backstory.history.refs.reflog import Reflog
from backstory.likeness import did_you_mean
from backstory.lookup import head_at
from backstory.refs import BRANCH, MAIN, MARK, REFLOG, SETTLED
from backstory.store import Log, Store, write
from backstory.stores.guarded import GuardedLog
from backstory.stores.recorded import recorded_types
from backstory.unit import Append, Holds, NewLog, SetRef, Step, Written, new_log
from backstory.values.commit import Commit, Draft, from_micros, micros
from backstory.values.ids import new_id, new_secret, now

__all__ = ["MAIN", "TRIAL", "Branch", "Branches", "Chain", "Mark", "mark_of", "number_of"]

NAME = re.compile(r"[^\s~^:@#{}\\*?\[\].-][^\s~^:@#{}\\*?\[\]]*(?<!\.)")
NAME_LIMIT = 200


class Branch(msgspec.Struct, frozen=True):
    """A named log, by its chain."""

    name: str
    chain: Chain

    @property
    def number(self) -> int:
        """Its own log."""
        return self.chain[-1]

    @property
    def ref(self) -> str:
        """The name of its ref."""
        return BRANCH + self.name

    @property
    def stays(self) -> SetRef:
        """The guard that the name still means this log."""
        return SetRef(self.ref, str(self.number), str(self.number))


class Mark(msgspec.Struct, frozen=True):
    """A name and a message for a point of history."""

    name: str
    position: Annotated[int, msgspec.Meta(ge=0)]
    hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    message: str
    author: str
    made: int

    @property
    def time(self) -> datetime:
        """When it was made."""
        return from_micros(self.made)


def guarded(log: Log, branch: Branch, store: Store) -> Log:
    """The log of a branch with the rules of its name. Rows that another database has are not written in main."""
    recorded = partial(recorded_types, store) if branch.name == MAIN else None
    return GuardedLog(log, branch.name, branch.stays, recorded)


class Branches(Chains):
    """The branches and marks of one store."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = now,
        ids: Callable[[], str] = new_id,
        secrets: Callable[[], bytes] = new_secret,
    ) -> None:
        super().__init__(store)
        self.clock = clock
        self.secrets = secrets
        self.reflog = Reflog(store, clock=clock, ids=ids, secrets=secrets)

    def get(self, name: str) -> Branch:
        """The branch of this name. Raises `UnknownRevision`, which names the branches that exist."""
        branch = self.find(name)
        if branch is None:
            names = self.names()
            hint = did_you_mean(name, names, f"there are: {', '.join(names)}")
            raise UnknownRevision(name, f"there is no such branch; {hint}")
        return branch

    def find(self, name: str) -> Branch | None:
        """The branch of this name, None if there is none."""
        text = self.store.refs.get(BRANCH + name)
        return None if text is None else self._branch(name, text)

    def _branch(self, name: str, text: str) -> Branch:
        return Branch(name, self.chain(number_of(name, text)))

    def all(self) -> Iterator[Branch]:
        """Every branch, main first."""
        for name, text in self._texts():
            yield self._branch(name, text)

    def names(self) -> list[str]:
        """The names of all branches, main first."""
        return [name for name, _ in self._texts()]

    def _texts(self) -> list[tuple[str, str]]:
        found = [(ref.removeprefix(BRANCH), text) for ref, text in self.store.refs.list(BRANCH).items()]
        return sorted(found, key=lambda each: each[0] != MAIN)

    def log(self, name: str) -> Log:
        """The log of a branch, to read and to append to. Raises `UnknownRevision`."""
        return self.open(self.get(name))

    def open(self, branch: Branch) -> Log:
        """The log of a branch, to read and to append to: it refuses commits once the branch was moved or deleted."""
        return guarded(self.view(branch.chain), branch, self.store)

    def create(self, name: str, chain: Chain, position: int, drafts: Sequence[Draft] = ()) -> Branch:
        """Make a branch that starts at a point of a chain of logs, and has these commits.

        Raises `BranchError`, and `NotThere` where the point was in a log that was dropped meanwhile.
        """
        self.check_new(name)
        new, stands = self.start(chain, position)
        steps: list[Step] = [new, stands, SetRef(BRANCH + name, new, None), SetRef(MARK + name, None, None)]
        if drafts:
            steps.append(Append(new, drafts))
        written = self.write(*steps, note=("BranchCreated", name, {"position": position}))
        return Branch(name, self.chain(written.logs[0]))

    def start(self, chain: Chain, position: int) -> tuple[NewLog, Holds]:
        """The step that makes a log on top of a point, and the guard that the point is still there.

        Raises `BranchError` inside of a commit.
        """
        chain = self.lowest(chain, position)
        head = head_at(self.view(chain), position)
        return new_log(head), Holds(chain[-1], head.position, head.hash)

    def write(self, *steps: Step, note: tuple[str, str, dict[str, object]]) -> Written:
        """Write a unit, with a note of it in the reflog. Raises `BranchError` for a name that somebody else changed."""
        kind, name, details = note
        while True:
            try:
                return write(self.store, *steps, *self.reflog.steps(kind, name, **details))
            except RefMoved as moved:
                if moved.ref != REFLOG:  # else somebody else has just begun the reflog
                    raise _taken(moved) from None

    def check_new(self, name: str) -> None:
        """Raise `BranchError` if no branch or mark can be made with this name."""
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

    def move(
        self,
        branch: Branch,
        start: tuple[NewLog, Holds],
        drafts: Sequence[Draft],
        head: Holds,
        note: dict[str, object],
    ) -> tuple[Commit, ...]:
        """Let a branch name a new log that has these commits, as a rebase does; its old log stays.

        `head` is where the old log was when they were judged: it must end there still. Returns the commits. Raises
        `BranchError` if somebody else moved the branch, `HeadMoved` if the log went on, `NotThere` where its new
        start is in no log any more.
        """
        new, stands = start
        steps: list[Step] = [new, SetRef(branch.ref, new, str(branch.number)), head, stands]
        if drafts:
            steps.append(Append(new, drafts))
        details = {"was": branch.number, **note}
        written = self.write(*steps, note=("Rebased", branch.name, details))
        return written.commits[0] if drafts else ()

    def delete(self, name: str) -> Branch:
        """Delete a branch's name and return the branch. Its log stays, and the reflog can find it."""
        branch = self.get(name)
        if name == MAIN:
            raise BranchError("main cannot be deleted")
        settled = SETTLED + name
        self.write(
            SetRef(branch.ref, None, str(branch.number)),
            SetRef(settled, None, self.store.refs.get(settled)),
            note=(
                "BranchDeleted",
                name,
                {"was": branch.number, "position": self.view(branch.chain).head().position},
            ),
        )
        return branch

    def restore(self, name: str, number: int) -> Branch:
        """Name a log that has no name any more. Raises `BranchError`."""
        self.check_new(name)
        gone = BranchError(f"there is no log {number} in this store any more")
        if self.store.refs.get(REFLOG) == str(number):
            raise BranchError(f"log {number} is the reflog: it was no branch, and takes no commits")
        if other := next((ref for ref, text in self._texts() if text == str(number)), None):
            raise BranchError(f"branch {other!r} has this log; two names would share each commit")
        try:
            origin = self.store.origin(number)
        except KeyError:
            raise gone from None
        try:
            self.write(
                SetRef(BRANCH + name, str(number), None),
                SetRef(MARK + name, None, None),
                Holds(number, origin.position, origin.hash),
                note=("BranchRestored", name, {"log": number}),
            )
        except NotThere:
            raise gone from None
        return Branch(name, self.chain(number))

    def settled(self, name: str) -> frozenset[str]:
        """Decisions, by their origins, that merges into this branch left out on purpose. Raises `StoreCorrupt`."""
        return settled_of(self.store.refs.get(SETTLED + name))

    def settling(self, name: str, more: Sequence[str]) -> SetRef:
        """The step that adds decisions to those that merges into this branch left out."""
        old = self.store.refs.get(SETTLED + name)
        value = sorted({*settled_of(old), *more})
        return SetRef(SETTLED + name, msgspec.json.encode(value).decode(), old)

    def mark(self, name: str) -> Mark | None:
        """The mark of this name."""
        text = self.store.refs.get(MARK + name)
        return None if text is None else mark_of(name, text)

    def marked(self, mark: Mark) -> Chain:
        """A chain that has the commit of a mark. Raises `StoreCorrupt` if no log has it."""
        chain = self.holding(mark.position, bytes.fromhex(mark.hash))
        if chain is None:
            raise StoreCorrupt(f"mark {mark.name} names a commit at #{mark.position} that is not there")
        return chain or self.get(MAIN).chain

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
        mark = Mark(name, position, head.hash.hex(), message, author, micros(self.clock()))
        self.write(
            SetRef(MARK + name, msgspec.json.encode(mark).decode(), None),
            SetRef(BRANCH + name, None, None),
            Holds(chain[-1], position, head.hash),
            note=("Marked", name, {"position": position}),
        )
        return mark

    def delete_mark(self, name: str) -> None:
        """Forget a mark. Raises `UnknownRevision`."""
        text = self.store.refs.get(MARK + name)
        if text is None:
            raise UnknownRevision(name, "there is no such mark")
        self.write(SetRef(MARK + name, None, text), note=("Unmarked", name, {}))


def number_of(name: str, text: str) -> int:
    """The log that a branch's ref names. Raises `StoreCorrupt`."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise StoreCorrupt(f"the ref of branch {name} is damaged: {text[:20]!r} is not the number of a log")
    return int(text)


def mark_of(name: str, text: str) -> Mark:
    """The mark that its ref holds. Raises `StoreCorrupt`."""
    try:
        return msgspec.json.decode(text, type=Mark)
    except (ValueError, TypeError) as error:
        raise StoreCorrupt(f"mark {name} is damaged: {error}") from error


def settled_of(text: str | None) -> frozenset[str]:
    """The decisions that a ref says are settled. Raises `StoreCorrupt`."""
    try:
        return frozenset() if text is None else frozenset(msgspec.json.decode(text, type=list[str]))
    except msgspec.MsgspecError as error:
        raise StoreCorrupt(f"the list of decisions that merges left out is damaged: {error}") from error


def _taken(moved: RefMoved) -> BranchError:
    """The error for a caller whose ref somebody else changed meanwhile."""
    prefix, _, name = moved.ref.partition("/")
    if prefix + "/" == SETTLED:
        return BranchError(f"somebody else merged into {name!r} meanwhile; try again")
    kind = "mark" if prefix + "/" == MARK else "branch"
    if moved.value is None:
        return BranchError(f"{kind} {name!r} was deleted by somebody else meanwhile; look again")
    return BranchError(f"there is a {kind} {name!r} already, or somebody else moved it meanwhile; look again")

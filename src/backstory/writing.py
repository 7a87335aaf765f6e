"""Writes to a branch: each is one object, which is done whole, or in two halves together with the writes of others.

Between the halves of many writes lies one append. Both ways keep the same rules, because they are the same object's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from backstory.decide.call import Command, same_call
from backstory.decide.drafting import Drafting, Said, appended
from backstory.decide.execution import reads_of
from backstory.decide.loading import Reads
from backstory.decide.mistaken import need_command, need_state
from backstory.errors import BranchMoved, Conflict, IdReused
from backstory.handle import Handle, Tip
from backstory.store import Log
from backstory.subject import called
from backstory.unit import Batch
from backstory.values.commit import COMMAND, Commit, Draft
from backstory.values.query import Condition

if TYPE_CHECKING:
    from backstory.live import Seen


class Half(msgspec.Struct, frozen=True):
    """The first half of a write: the drafts, the log of their branch, and a function for the commits."""

    log: Log
    batch: Batch
    settle: Callable[[tuple[Commit, ...]], Commit]


class Contended(Exception):
    """A write is to be done whole: others write the same just now."""


def reused(commit: Commit, otherwise: str) -> IdReused:
    """The error that an id was used before: for something else, or for nobody knows what, since it was withheld."""
    unknown = "was used for a write whose command is withheld, so nobody can say whether it was this one"
    return IdReused(
        commit.id, f"{unknown if COMMAND in commit.withheld else otherwise}, at #{commit.position}"
    )


class Writing(Protocol):
    """A write to a branch."""

    def whole(self) -> Commit | None:
        """Do it. Returns its commit, None if the command decided to do nothing."""
        ...

    def half(self, tip: Tip) -> Half | Commit | None:
        """Do the first half on a line; or all of it, if the branch was moved away from there.

        Raises `Contended` if others write the same just now, so that a half would come too late.
        """
        ...

    def late(self, verdict: Exception, tip: Tip) -> bool:
        """Whether a half that got this verdict came too late, and is to be done whole; else it is the outcome."""
        ...


class Execution:
    """One command, decided on the events that it reads and appended on that condition."""

    def __init__(
        self, handle: Handle, command: Command, said: Said, attempts: int, seen: Seen[Any] | None = None
    ) -> None:
        self._handle = handle
        self._command = need_command(command)
        self._seen = None if seen is None else (need_state(seen.value).query(), seen.place)
        self._said = said
        self._prepared: tuple[Command, Reads, Drafting] | None = None
        self._attempts = self._left = attempts

    @property
    def alone(self) -> bool:
        """Whether it has to be done whole: it may have happened already, or may be tried once only."""
        return self._said.id is not None or self._left <= 1

    def _prepare(self) -> tuple[Command, Reads, Drafting]:
        """The command with its inputs, the states that it was given, and its drafting: the same at each try."""
        if self._prepared is None:
            drafter = self._handle.drafter
            command = drafter.drawn(self._command, self._said)
            self._prepared = command, reads_of(command), drafter.for_command(command, self._said)
        return self._prepared

    def _unchanged(self, tip: Tip) -> Condition | None:
        """The condition that nothing has changed which the caller has seen. Raises `HistoryMoved`."""
        if self._seen is None:
            return None
        query, place = self._seen
        return Condition(query, self._handle.position(place, tip.line))

    def whole(self) -> Commit | None:
        """Decide and append, again on a conflict, and again if the branch was moved meanwhile."""
        if (done := self._done()) is not None:
            return done
        command, reads, drafting = self._prepare()

        def decided(tip: Tip) -> Commit | None:
            # A guess must name its point, which a branch without a name could not; and one is enough.
            guess = tip.stays is not None and self._left == self._attempts
            return tip.line.executor.execute(
                command, reads, drafting, tip.append, self._left, guess=guess, seen=self._unchanged(tip)
            )

        try:
            return self._handle.following(decided) or self._done()
        except Exception:
            # Perhaps it decided on events that another caller with this id had just appended.
            if (done := self._done()) is not None:
                return done
            raise

    def half(self, tip: Tip) -> Half | Commit | None:
        """Decide once."""
        executor = tip.line.executor
        command, reads, drafting = self._prepare()
        if executor.contended(reads):
            raise Contended
        self._left -= 1
        try:
            attempt = executor.attempt(command, reads, drafting, seen=self._unchanged(tip))
        except Exception:
            if self._handle.left(tip):
                return self.whole()
            raise
        if attempt is None:
            return self.whole() if self._handle.left(tip) else None
        return Half(tip.log, (attempt.draft,), partial(executor.settle, attempt))

    def late(self, verdict: Exception, tip: Tip) -> bool:
        """Whether the decision has to be made again."""
        return isinstance(verdict, (Conflict, BranchMoved)) or self._handle.left(tip, verdict)

    def _done(self) -> Commit | None:
        """The commit of an execution with this id, if there was one. Raises `IdReused` for one of another command."""
        commit = self._handle.known(self._said.id)
        if commit is None or same_call(commit.command_json, self._command):
            return commit
        raise reused(commit, f"was used for another command, {called(commit.command_json) or 'none'}")


class Appending:
    """Facts that need no decision."""

    def __init__(
        self, handle: Handle, events: Sequence[Any], condition: Condition | None, said: Said
    ) -> None:
        self._handle = handle
        self._events = events
        self._condition = condition
        self._said = said
        self._draft: Draft | None = None

    def _drafted(self) -> Draft:
        """The draft, the same at each try. A decision from before a move of the branch is refused."""
        if self._condition is not None:
            self._handle.check(self._condition.after)
        if self._draft is None:
            drafter = self._handle.drafter
            self._draft = drafter.for_facts(self._events, self._condition, self._said)
        return self._draft

    def whole(self) -> Commit:
        """Append, and again if the branch was moved meanwhile."""
        if self._said.id is not None:
            self._handle.now()  # else a commit of the old history with this id would be taken for one of the branch
        commit = self._handle.following(self._append)
        assert commit is not None
        return commit

    def _append(self, tip: Tip) -> Commit:
        verdict = tip.append(self._drafted())
        if isinstance(verdict, tuple):
            return self._settled(tip, verdict)
        raise verdict

    def _settled(self, tip: Tip, commits: tuple[Commit, ...]) -> Commit:
        [commit] = commits
        tip.line.loader.note(commit.point)
        return appended(commit, self._drafted())

    def half(self, tip: Tip) -> Half | Commit:
        """Make the draft."""
        if self._said.id is not None and self._handle.left(tip):
            return self.whole()
        return Half(tip.log, (self._drafted(),), partial(self._settled, tip))

    def late(self, verdict: Exception, tip: Tip) -> bool:
        """Whether the branch was moved away: then the verdict of the old history does not matter."""
        return isinstance(verdict, BranchMoved) or self._handle.left(tip, verdict)

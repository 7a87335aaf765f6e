"""The verbs that write: commands, several of them as one, and facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast, overload

from backstory.decide import context as contexts
from backstory.decide.call import Command, R
from backstory.decide.drafting import Said
from backstory.decide.execution import ATTEMPTS, Preview
from backstory.decide.mistaken import need_command
from backstory.values.commit import Commit
from backstory.values.query import Condition
from backstory.verbs.held import Held
from backstory.writing import Appending, Execution

if TYPE_CHECKING:
    from backstory.atomic import Atomic
    from backstory.decide.commands import V
    from backstory.decide.context import Author
    from backstory.live import Seen
    from backstory.store import Record


class Writes(Held):
    """Execute, preview, append."""

    def execute(
        self,
        command: Command[R],
        *,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        at: datetime | None = None,
        seen: Seen[Any] | None = None,
        attempts: int = ATTEMPTS,
    ) -> R:
        """Load the states that the command reads, decide, append on that condition, and try again on a conflict.

        Returns the commit, None if the command decided to do nothing; type checkers know that a function which is to
        return an event always gives one. With an `id` it is done once: the same command
        with the same id gives the recorded commit. `at` is the time at which it happened, as for `append`; it is the
        command's `Now` too. The states are those of now, so execute the oldest first.

        `seen` is a state that somebody has looked at, from `see` or `watch`: if it has changed since then, the command
        is a `Conflict`, whatever it would decide. The condition of the commit says so, too, and the store judges it.

        Raises `Refused` if the command refuses, `Conflict` after `attempts` tries, `IdReused`, `InvalidEvent`,
        `HistoryMoved` for a place of another history, and `BranchMoved`, a `BranchError`, if the branch was deleted.
        """
        said = Said(id, author, message, metadata, at)
        return cast("R", Execution(self.handle, command, said, attempts, seen).whole())

    @contextmanager
    def atomic(self, attempts: int = ATTEMPTS) -> Iterator[Atomic]:
        """Several commands as one: `with db.atomic() as tx: tx.execute(a); tx.execute(b)`.

        Each command decides on what the earlier ones gave. At the end of the block their commits go in as one batch, on
        the condition that nothing that they read has changed; on a conflict all of them are decided again, at most
        `attempts` times. Nothing is appended if the block raises. See `Atomic` for what the end of the block raises.
        Other verbs of this database, and another `atomic()` in the block, are no part of it: they write at once.
        """
        from backstory.atomic import Atomic

        unit = Atomic(self.handle, attempts)
        try:
            yield unit
        except BaseException:
            unit.end(keep=False)
            raise
        unit.end(keep=True)

    @overload
    def preview(self, command: Command[Any, None]) -> Preview: ...

    @overload
    def preview(self, command: Command[Any, V]) -> Preview[V]: ...

    @overload
    def preview(self, command: Command[Any, Iterable[V] | V | None]) -> Preview[V]: ...

    @overload
    def preview(self, command: Command) -> Preview: ...

    def preview(self, command: Command) -> Preview:
        """The events that the command would give now, and each state before and after. Appends nothing.

        Type checkers know the class of the events, as they know the result of `execute`.
        """
        drafter = self.handle.drafter
        drawn = drafter.drawn(need_command(command))
        return self.handle.now().executor.preview(drawn, drafter.for_command(drawn))

    def append(
        self,
        *events: Any,
        condition: Condition | None = None,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> Commit:
        """Append facts that need no decision, as one commit.

        `at` is the time at which it happened, for history that is older than the log: it is `commit.authored`, and
        `commit.time` unless the log has a later commit, as its time never goes back. It has a time zone and is not in
        the future.

        Raises `InvalidEvent`, `Conflict`, `IdReused`, `BranchMoved` as `execute` does, and `HistoryMoved` for a
        condition on a position that was given out before the branch was moved.
        """
        return Appending(self.handle, events, condition, Said(id, author, message, metadata, at)).whole()

    def context(
        self,
        *,
        author: Author | None = None,
        message: str | None = None,
        correlation: str | None = None,
        because: Record | None = None,
        **metadata: Any,
    ) -> AbstractContextManager[None]:
        """Set author, message and metadata for the appends of a block of code; see `backstory.decide.context`.

        `author` may be a function, which is asked whenever something is written.
        """
        return contexts.context(
            author=author, message=message, correlation=correlation, because=because, **metadata
        )

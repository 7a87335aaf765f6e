"""Every error that Backstory raises, as one tree.

    BackstoryError
     ├─ DefinitionError          a class cannot be an event, a state or a command
     ├─ EventError               a value cannot go into, or come out of, the log
     │   ├─ InvalidTag           a tag is empty, not text, or has no key
     │   ├─ InvalidEvent         an event or a draft that no log may hold
     │   └─ UnreadableEvent      a stored event that the code at hand cannot decode
     ├─ AppendError              a unit was judged and was not done
     │   ├─ Conflict             an event that its condition forbids is in the log
     │   ├─ IdReused             its id belongs to another commit
     │   ├─ AheadOfLog           it was decided on a position that the log does not have
     │   ├─ HeadMoved            it was to stand on one commit, and another is the head by now
     │   ├─ RefMoved             a ref that it depended on has another value by now
     │   │   └─ BranchMoved      the branch was moved or deleted; also a BranchError
     │   ├─ MainFixed            main was to be moved, and the store does not let it be
     │   ├─ HistoryMoved         a log has another commit at a position than is meant; also a RevisionError
     │   ├─ NotThere             it names a log or a commit that is not there
     │   └─ StillNeeded          a log was to be dropped that a ref or another log needs
     ├─ RevisionError            a name for a point of history
     │   ├─ UnknownRevision      it means nothing
     │   └─ AmbiguousRevision    it means more than one commit
     ├─ BranchError              a branch or a mark cannot be made, moved or deleted so
     ├─ RevertError              a commit cannot be undone, or not any more
     ├─ DecisionError            a command gave something that is not what it may give
     ├─ Refused                  a command said no: the business rule, not a fault
     ├─ ApplicationError         an application cannot be imported, or has no such state or command
     ├─ ExpressionError          a condition in words cannot be understood
     ├─ SessionError             no store, branch or application is named, or what names it is wrong
     ├─ LockError                a schema lock is missing, or is none
     ├─ SourceError              a line of an imported file cannot be understood
     └─ StoreError               the place where history is kept
         ├─ StoreMissing         there is no store at that address
         ├─ StoreExists          there is one already
         ├─ NotAStore            the file is something else
         ├─ NewerFormat          written by a newer Backstory
         ├─ StoreReadOnly        the file or its folder cannot be written
         ├─ StoreFull            no space is left; nothing of the batch was kept
         ├─ StoreLocked          another process held the store for too long
         ├─ StoreClosed          used after close()
         ├─ StoreRefused         what was given to it cannot be stored; nothing of it was kept
         ├─ StoreCorrupt         what is stored is not what was written
         └─ HistoryLost          commits that were there are not there any more

Messages say what was wrong, where, and what to do. Attributes carry the same as data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from backstory.commit import Commit
    from backstory.event_data import RecordedEvent
    from backstory.history.merge.revert import Owned
    from backstory.query import Condition


class ClearTextWarning(UserWarning):
    """A store was given what is marked as personal or secret, and keeps it in clear text: nothing is encrypted yet."""


class BackstoryError(Exception):
    """The root: catch this to catch everything that the library raises on purpose.

    The message says what was wrong and where. `hints` are lines that say what to do about it, apart from the message.
    """

    hints: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The sort of error, for programs: `unknown-revision`."""
        return "".join(f"-{each.lower()}" if each.isupper() else each for each in type(self).__name__)[1:]

    def hinted(self, *hints: str) -> Self:
        """This error, with more hints."""
        self.hints = (*self.hints, *hints)
        return self


class DefinitionError(BackstoryError, TypeError):
    """A class was defined in a way that cannot work; raised where it is defined or registered."""


class EventError(BackstoryError, ValueError):
    """A value cannot go into, or come out of, the log."""


class InvalidTag(EventError):
    """A tag is empty, not text, or has no key."""


class InvalidEvent(EventError):
    """An event or a draft that no log may hold."""


class UnreadableEvent(EventError):
    """A stored event that the code at hand cannot decode. The log itself is unharmed."""


class AppendError(BackstoryError):
    """A unit was judged and was not done. Nothing of it is in the store."""


class Conflict(AppendError):
    """Events that match the condition's query were appended after the position that was decided on.

    `draft` is the index in the batch of the draft that conflicts, `condition` what it asked for, and `events` the
    first of the events in the way (none where the store could not read them). Load again, decide again, append again.
    """

    def __init__(self, draft: int, condition: Condition, events: Sequence[RecordedEvent]) -> None:
        super().__init__(draft, condition, events)
        self.draft = draft
        self.condition = condition
        self.events = tuple(events)

    def __str__(self) -> str:
        seen = ", ".join(f"#{event.position} {event.type}" for event in self.events[:3])
        return f"decided on position {self.condition.after}, but since then: {seen or 'events that match'}"


class IdReused(AppendError):
    """The commit id is taken by a commit with other content, or by another batch."""

    def __init__(self, id: str, why: str) -> None:
        super().__init__(id, why)
        self.id = id
        self.why = why

    def __str__(self) -> str:
        return f"commit id {self.id!r} {self.why}; use a new id for a new commit"


class AheadOfLog(AppendError):
    """A condition names a position after the log's head: it was decided on another history."""

    def __init__(self, after: int, head: int) -> None:
        super().__init__(after, head)
        self.after = after
        self.head = head

    def __str__(self) -> str:
        return f"decided on position {self.after}, but the log ends at {self.head}; was the store restored or swapped?"


class RevisionError(BackstoryError, LookupError):
    """A name for a point of history does not mean one point."""


class UnknownRevision(RevisionError):
    """The name means nothing here."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name, why)
        self.name = name
        self.why = why

    def __str__(self) -> str:
        return f"unknown revision {self.name!r}: {self.why}"


class AmbiguousRevision(RevisionError):
    """The name means several commits: the first of them are in `commits`."""

    def __init__(self, name: str, commits: Sequence[Commit]) -> None:
        super().__init__(name, commits)
        self.name = name
        self.commits = tuple(commits)

    def __str__(self) -> str:
        candidates = (
            f"\n  {commit.hash.hex()[:16]} #{commit.position} {commit.id}" for commit in self.commits
        )
        return f"{self.name!r} may mean any of these:{''.join(candidates)}"


class HeadMoved(AppendError):
    """A batch was to stand on one commit alone, as a fast-forward does, and the log has gone on since."""

    def __init__(self, head: int) -> None:
        super().__init__(head)
        self.head = head

    def __str__(self) -> str:
        return f"the log has gone on meanwhile, to position {self.head}; nothing was appended, try again"


class RefMoved(AppendError):
    """A batch was to go in only while a ref has one value, and the ref has another one by now.

    `value` is what the ref said when the batch was judged, None where there was no such ref.
    """

    def __init__(self, ref: str, value: str | None) -> None:
        super().__init__(ref, value)
        self.ref = ref
        self.value = value

    def __str__(self) -> str:
        found = "does not exist any more" if self.value is None else f"has the value {self.value!r} by now"
        return f"the ref {self.ref!r} {found}; nothing was appended"


class BranchError(BackstoryError, ValueError):
    """A branch or a mark cannot be made, moved or deleted so."""


class BranchMoved(RefMoved, BranchError):
    """A commit was to go to a branch whose name means another log by now, or none: nobody would see the commit."""

    def __init__(self, branch: str, ref: str, value: str | None) -> None:
        super().__init__(ref, value)
        self.args = (branch, ref, value)
        self.branch = branch

    def __str__(self) -> str:
        was = "deleted" if self.value is None else "moved"
        return f"branch {self.branch!r} was {was} since it was opened here; nothing was appended"


class MainFixed(AppendError):
    """The branch `main` was to name another log, or none, and this store does not let main be moved."""

    def __str__(self) -> str:
        return "main is not moved in this store; its owner can allow it with the setting main-moves"


class HistoryMoved(AppendError, RevisionError):
    """Another commit stands at a position than the one that it was given out for, or none: this is another history.

    `place` is how the position was named. `shared` is the position up to which both histories are known to be the same;
    None where that is not known.
    """

    def __init__(
        self,
        position: int,
        why: str = "a decision was made on that other history; look again",
        place: str = "",
        shared: int | None = None,
    ) -> None:
        super().__init__(position, why, place, shared)
        self.position = position
        self.why = why
        self.place = place or f"#{position}"
        self.shared = shared

    def __str__(self) -> str:
        return f"{self.place} is a place of another history: {self.why}"


class NotThere(AppendError):
    """A log, a commit or a part of one was named that is not in the store."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"there is no {self.what}"


class StillNeeded(AppendError):
    """A log was to be dropped that a ref or another log needs."""

    def __init__(self, log: int, by: str) -> None:
        super().__init__(log, by)
        self.log = log
        self.by = by

    def __str__(self) -> str:
        return f"log {self.log} is still needed by {self.by}"


class RevertError(BackstoryError):
    """A commit cannot be undone: nothing says how, or later commits own what it changed.

    `owned` has the fields that they own, with the position of the event that gave each its value.
    """

    def __init__(self, why: str, owned: Sequence[Owned] = ()) -> None:
        super().__init__(why)
        self.owned = tuple(owned)


class DecisionError(BackstoryError, TypeError):
    """A command gave something that is not an event, or not one that its annotation names."""


class Refused(BackstoryError):
    """A command said no. `code` is for programs, `details` for whoever shows it to a person.

    raise Refused("insufficient funds", code="funds", balance=account.balance)
    """

    def __init__(self, reason: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code or reason
        self.details = details

    def __str__(self) -> str:
        return self.reason


class ApplicationError(BackstoryError, LookupError):
    """An application cannot be imported, or has no such event, state or command; or its code failed."""


class SessionError(BackstoryError):
    """No store, branch or application is named where one is needed, or what names it is wrong."""


class LockError(BackstoryError, ValueError):
    """A schema lock is missing, or the file is none that this Backstory can read."""


class SourceError(BackstoryError, ValueError):
    """A place of an imported source cannot be understood. `line` counts from 1; 0 where it is about all of it."""

    def __init__(self, source: str, line: int, why: str) -> None:
        super().__init__(source, line, why)
        self.source = source
        self.line = line
        self.why = why

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {self.why}"


class StoreError(BackstoryError):
    """Something about the place where history is kept."""


class StoreMissing(StoreError):
    """There is no store at that address."""


class StoreExists(StoreError):
    """There is a store at that address already."""


class NotAStore(StoreError):
    """The file is there, and is something else."""


class NewerFormat(StoreError):
    """The store was written by a newer Backstory than this one."""


class StoreReadOnly(StoreError):
    """The file or its folder cannot be written."""


class StoreFull(StoreError):
    """No space is left. Nothing of the batch was kept; what was acknowledged before is safe."""


class StoreLocked(StoreError):
    """Another process held the store for longer than the timeout."""


class StoreClosed(StoreError):
    """The store was used after `close()`."""


class StoreRefused(StoreError):
    """The store cannot keep what it was given. Nothing of it was kept; what others gave may be."""


class LogDropped(StoreError):
    """A log that was open here was dropped, because nothing needed it any more."""


class StoreCorrupt(StoreError):
    """What is stored is not what was written."""


class HistoryLost(StoreError):
    """Commits that this process has seen are not there any more: the store was put back to an earlier time."""

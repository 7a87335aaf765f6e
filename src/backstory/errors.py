"""Every error that Backstory raises, as one tree; `docs/errors.md` has a way out of each.

`Later`, `StopSending` and `WrongSignature` are in `backstory.outbox`; `UsageError`, which only the command line raises,
is in `backstory.cli.exits`. Only pages raise `BadParameter`, `Busy`, `NotFound` (`backstory.web.ask`); they and the MCP
server raise `Forbidden` (`backstory.hosts`).

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
     │   ├─ MainFixed            main was to be moved, and the store does not allow that
     │   ├─ NeverBoth            two settings were to be made that exclude each other
     │   ├─ RowsElsewhere        the table is a record of what another database has
     │   ├─ HistoryMoved         a log has another commit at a position than the caller means; also a RevisionError
     │   ├─ NotThere             it names a log, a commit or a part that does not exist
     │   └─ StillNeeded          a log was to be dropped that a ref or another log needs
     ├─ RevisionError            a name for a point of history
     │   ├─ UnknownRevision      it means nothing
     │   └─ AmbiguousRevision    it means more than one commit
     ├─ BranchError              a branch or a mark cannot be made, moved or deleted so
     ├─ MergeConflict            a merge, rebase or cherry-pick would take over decisions that may not hold any more
     ├─ ProofError               a proof of an event does not hold, is none, or cannot be made
     ├─ RevertError              a commit cannot be undone, or not any more
     ├─ DecisionError            a command gave something else than events that it may give
     ├─ MissingInput             a command asks for an author or another input that is not there
     ├─ Refused                  a command refused: a business rule, not a fault
     │   └─ RowRefused           a write of a row was refused
     │       ├─ DuplicateRow     a row with this key or this unique value is there already
     │       ├─ MissingRow       there is no such row
     │       └─ StaleRow         fields that it relied on have other values by now
     ├─ ApplicationError         an application cannot be imported, or has no such state or command
     ├─ ExtraMissing             a library is not installed that an extra of this package brings
     ├─ UnknownTopic             the guide has no page of this name
     ├─ ScaffoldError            no code can be made for this name or this event, or a file is in its place
     ├─ ExpressionError          a condition in words cannot be understood
     ├─ InputError               a text that somebody typed is no value, state or call of a command
     ├─ SessionError             no store, branch or application is named, or the name is wrong
     ├─ LockError                a schema lock is missing, or its file is something else
     ├─ ModelError               a file of recorded scenarios, or a setting of `backstory check`, is something else
     ├─ SourceError              a line of an imported file cannot be understood
     ├─ OutputError              a file is not written over a store, a folder, or the file that is read
     ├─ OutOfScope               a reader asks for something that is outside of the scope given to them
     ├─ WrongSignature           a webhook is from somebody without the secret, or too old
     ├─ Later                    an outbox is to send its messages again after a while
     ├─ StopSending              an outbox is to send no more
     ├─ ProjectionError          the tables of a projection cannot be made, fed or read as they are
     │   ├─ ProjectionFailed     its code raised an error at an event
     │   ├─ NotOperated          nothing of this name is there to look after (`backstory.operating`)
     │   └─ Behind               it has not seen a commit that a reader asks for
     └─ StoreError               the place where history is kept
         ├─ StoreMissing         there is no store at that address
         ├─ StoreExists          there is one already
         ├─ NotAStore            the file is something else
         ├─ UnknownOption        it was to be opened with an option that it does not have; also a TypeError
         ├─ NewerFormat          written by a newer Backstory
         ├─ StoreReadOnly        the file or its folder cannot be written
         ├─ StoreFull            no space is left; nothing of the batch was kept
         ├─ StoreLocked          another process held the store for too long
         ├─ StoreClosed          used after close()
         ├─ StoreRefused         it cannot store the data that it was given; nothing of them was kept
         │   └─ NotReacting      it does not have the right to react
         ├─ LogDropped           a log that was open here was dropped, because nothing needed it
         ├─ StoreCorrupt         the stored data are not the data that were written
         └─ HistoryLost          commits that were there are not there any more

Messages name the fault and its place; hints say what to do. Attributes carry the same as data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.likeness import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from backstory.history.merge.merge import MergeReport
    from backstory.history.merge.owned import Owned
    from backstory.values.commit import Commit
    from backstory.values.event_data import RecordedEvent
    from backstory.values.query import Condition


class ClearTextWarning(UserWarning):
    """A store keeps a value that is marked as personal or secret in clear text: nothing is encrypted yet."""


class UnknownTypeWarning(UserWarning):
    """Events of a type are read by its name, and no event has it: perhaps it is misspelled."""


class BlockingWarning(UserWarning):
    """A coroutine opened a database whose verbs block its event loop; those of `backstory.aio` are awaited."""


class ReactionWarning(UserWarning):
    """Reactions do not run here, because the store does not have the right to react."""


class FoldedWarning(UserWarning):
    """States are found by folding the log, which takes longer with each event; a table would be quicker."""


class WithheldWarning(UserWarning):
    """`find` leaves out rows of a table of which data were withheld: nobody knows all of their fields."""


class ScannedWarning(UserWarning):
    """States are found by looking at every row of a large table; an index would be quicker."""


class BackstoryError(Exception):
    """The root: catch this to catch everything that the library raises on purpose.

    The message names the fault and its place. `hints` are lines apart from the message that say what to do.
    """

    hints: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of error, for programs: `unknown-revision`."""
        return "".join(f"-{each.lower()}" if each.isupper() else each for each in type(self).__name__)[1:]

    def hinted(self, *hints: str) -> Self:
        """This error, with more hints."""
        self.hints = (*self.hints, *hints)
        return self


class ExtraMissing(BackstoryError, ModuleNotFoundError):
    """A library is not installed that an extra of this package brings; the message has the line that installs it."""


class ExpressionError(BackstoryError, ValueError):
    """An expression cannot be understood, or cannot be evaluated; `column` is the place in its text."""

    def __init__(self, text: str, column: int, why: str) -> None:
        super().__init__(text, column, why)
        self.text = text
        self.column = column
        self.why = why

    def __str__(self) -> str:
        return f"{self.why}\n  {self.text}\n  {' ' * self.column}^"


class InputError(BackstoryError, ValueError):
    """A text that somebody typed, on the command line or in a form, is no value, state or call of a command."""


class DefinitionError(BackstoryError, TypeError):
    """A class is defined in a way that cannot work; raised when it is defined or registered."""


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

    `draft` is the index in the batch of the draft that conflicts, `condition` is its condition, and `events` are the
    first events in the way (none if the store could not read them); `unseen` counts those of them that are outside of
    the reader's scope. Load again, decide again, append again.
    """

    def __init__(
        self, draft: int, condition: Condition, events: Sequence[RecordedEvent], unseen: int = 0
    ) -> None:
        super().__init__(draft, condition, events, unseen)
        self.draft = draft
        self.condition = condition
        self.events = tuple(events)
        self.unseen = unseen

    def __str__(self) -> str:
        named = [f"#{event.position} {event.type}" for event in self.events[:3]]
        seen = ", ".join(named + ([f"{self.unseen} that are not shown"] if self.unseen else []))
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
    """The name may mean several commits; the first of them are in `commits`."""

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

    `value` is the value of the ref when the batch was judged; None if there was no such ref.
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
    """A commit was to go to a branch whose name means another log by now, or no log: nobody would see the commit."""

    def __init__(self, branch: str, ref: str, value: str | None) -> None:
        super().__init__(ref, value)
        self.args = (branch, ref, value)
        self.branch = branch

    def __str__(self) -> str:
        was = "deleted" if self.value is None else "moved"
        return f"branch {self.branch!r} was {was} since it was opened here; nothing was appended"


class MainFixed(AppendError):
    """The branch `main` was to name another log, or no log, and this store does not allow that main is moved."""

    def __str__(self) -> str:
        return "main is not moved in this store; its owner can allow it with the setting main-moves"


class NeverBoth(AppendError):
    """A setting was to be made in a store that has another setting which excludes it.

    A store whose main can be moved cannot have the right to react, and the other way round: a reaction to an event
    cannot be taken back, so the event has to stay.
    """

    def __init__(self, name: str, other: str) -> None:
        super().__init__(name, other)
        self.name = name
        self.other = other

    def __str__(self) -> str:
        return (
            f"{self.name} is not set, because {self.other} is: main stays where a store reacts to its events"
        )


class HistoryMoved(AppendError, RevisionError):
    """A position was given out for one commit, and another commit or none stands there now: this is another history.

    `place` is the name of the position. `shared` is the position up to which both histories are known to be the same;
    None if that is not known.
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
    """A unit names a log, a commit or a part of a commit that is not in the store."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"there is no {self.what}"


class RowsElsewhere(AppendError):
    """An event of a row of `table` was to be appended to main by others than the capture that records its rows."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table

    def __str__(self) -> str:
        return (
            f"{self.table} is a record of what the table of an application's database has: write the row there, and it"
            " will be recorded. A commit is undone there, too: with SQLAlchemy by recording.revert(session, commit),"
            " with Django by backstory.contrib.django.revert(commit) or the admin's history of an object. Older"
            " history is imported before the table is recorded, or into one of another name. On a"
            " branch anything may be tried"
        )


class StillNeeded(AppendError):
    """A log was to be dropped, but a ref or another log needs it."""

    def __init__(self, log: int, by: str) -> None:
        super().__init__(log, by)
        self.log = log
        self.by = by

    def __str__(self) -> str:
        return f"log {self.log} is still needed by {self.by}"


class MergeConflict(BackstoryError):
    """A merge, rebase or cherry-pick met commits whose decisions may not hold any more; nothing was appended.

    `report` has the outcome for each commit. `report.conflicts` are the steps to answer: each has its commit, the
    events in the way, and the states that its command read, as they were and as they are now.
    """

    hints = (
        'answer with Options: resolution="redecide", "skip" or "force" for all, resolutions={commit.id: ...} for each',
    )

    def __init__(self, report: MergeReport) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        report, conflicts = self.report, self.report.conflicts
        if not conflicts:
            return f"commits of {report.source} that are not shown conflict with {report.target}; nothing was appended"
        first = conflicts[0]
        named = [event.type for event in first.in_the_way[:3]]
        seen = ", ".join(named + ([f"{first.unseen} that are not shown"] if first.unseen else []))
        why = first.reason or f"its decision did not know {seen}"
        if first.stuck and first.stuck != why:
            why += f", and {first.stuck}"
        return (
            f"{len(conflicts)} of {report.judged} commits of {report.source} conflict with {report.target}, first"
            f" #{first.commit.position} {first.commit.id}: {why}; nothing was appended"
        )


class RevertError(BackstoryError):
    """A commit cannot be undone: no function undoes an event, it is undone already, or later commits own its fields.

    `owned` has the fields that later commits own, with the position of the event that gave each its value. `undone` has
    the commits that are undone already. `is_unknown` says that no function is registered for an event.
    """

    def __init__(
        self,
        why: str,
        owned: Sequence[Owned] = (),
        undone: Sequence[Commit] = (),
        *,
        is_unknown: bool = False,
    ) -> None:
        super().__init__(why)
        self.is_unknown = is_unknown
        self.owned = tuple(owned)
        self.undone = tuple(undone)


class ProofError(BackstoryError):
    """A proof of an event does not hold for the head that was kept, is none, or cannot be made."""


class DecisionError(BackstoryError, TypeError):
    """A command gave something that is not an event, or an event that its annotation does not name."""


class MissingInput(BackstoryError, TypeError):
    """A command asks for an input that is not there: for the author, and nobody was named."""


class Refused(BackstoryError):
    """A command refused. `code` is for programs, `details` are for the code that shows the refusal to a person.

    raise Refused("insufficient funds", code="funds", balance=account.balance)
    """

    def __init__(self, reason: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code or reason
        self.details = details

    def __str__(self) -> str:
        return self.reason


class RowRefused(Refused):
    """A write of a row was refused. `fields` are those that are in its way, where some are."""

    def __init__(self, reason: str, table: str, key: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(reason, code=self.kind, table=table, key=key, fields=fields)
        self.table = table
        self.key = key
        self.fields = fields


class DuplicateRow(RowRefused):
    """The table has a row with this key, or with this value of a unique field, already."""


class MissingRow(RowRefused):
    """The table has no such row."""


class StaleRow(RowRefused):
    """Somebody else has changed fields that the write relied on. Read the row again, and decide again."""


class ApplicationError(BackstoryError, LookupError):
    """An application cannot be imported, or has no such event, state or command; or its code failed."""


class UnknownTopic(BackstoryError, LookupError):
    """The guide has no page of this name."""


class ScaffoldError(BackstoryError):
    """No code can be made for this name or this event, or a file is in its place; nothing was written."""


class SessionError(BackstoryError):
    """No store, branch or application is named where one is needed, or the name is wrong."""


class LockError(BackstoryError, ValueError):
    """A schema lock is missing, or its file is not a lock that this Backstory can read."""


class ModelError(BackstoryError, ValueError):
    """A file of recorded scenarios, or the settings of `backstory check`, are not what Backstory can read."""


class SourceError(BackstoryError, ValueError):
    """A place of an imported source cannot be understood. `line` counts from 1; 0 means the whole source."""

    def __init__(self, source: str, line: int, why: str) -> None:
        super().__init__(source, line, why)
        self.source = source
        self.line = line
        self.why = why

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {self.why}"


class OutputError(BackstoryError, ValueError):
    """A file is not to be written: it is a folder, a store or a part of one, or the file that is read."""


class OutOfScope(BackstoryError, LookupError):
    """A reader asks for something that is outside of the scope given to them; see `backstory.scope`.

    `what` is the kind of thing, `name` the one that was asked for. The error says nothing else, not even whether there
    is such a thing.
    """

    def __init__(self, what: str, name: str) -> None:
        super().__init__(what, name)
        self.what = what
        self.name = name

    def __str__(self) -> str:
        return f"the {self.what} {self.name!r} is outside of what this reader may see"


class ProjectionError(BackstoryError):
    """The tables of a projection cannot be made, fed or read as they are."""


class ProjectionFailed(ProjectionError):
    """A projection cannot take an event: its code raised, or the event cannot be read.

    `position` is the event's, `why` has the error and the line of the projection's code that raised it. An inline
    projection takes the append back with it.
    """

    def __init__(self, name: str, position: int, why: str) -> None:
        super().__init__(name, position, why)
        self.name = name
        self.position = position
        self.why = why

    def __str__(self) -> str:
        return f"projection {self.name} failed at #{self.position}: {self.why}"


class Behind(ProjectionError):
    """A projection has not seen a commit that a reader asks for, and did not within the timeout.

    `position` is where it is, `asked` where it was to be, `head` the end of the log. `why` says what keeps it from
    going on, where that is known: it is paused or stopped, or nobody runs it.
    """

    def __init__(self, name: str, position: int, asked: int, head: int, why: str = "") -> None:
        super().__init__(name, position, asked, head, why)
        self.name = name
        self.position = position
        self.asked = asked
        self.head = head
        self.why = why

    def __str__(self) -> str:
        words = f": {self.why}" if self.why else ""
        return (
            f"projection {self.name} is at #{self.position}, not yet at #{self.asked} of #{self.head}{words}"
        )


class StoreError(BackstoryError):
    """An error about the place where history is kept."""


class StoreMissing(StoreError):
    """There is no store at that address."""


class StoreExists(StoreError):
    """There is a store at that address already."""


class NotAStore(StoreError):
    """The file is there, and is something else."""


class UnknownOption(StoreError, TypeError):
    """A store or a database was to be opened with an option that it does not have. `known` are those that it has."""

    def __init__(self, option: str, known: Iterable[str]) -> None:
        self.option = option
        self.known = tuple(sorted(known))
        super().__init__(option, self.known)

    def __str__(self) -> str:
        words = did_you_mean(self.option, self.known, f"there are {', '.join(self.known)}")
        return f"no option of this store or database is named {self.option!r}; {words}"

    def among(self, *more: str) -> UnknownOption:
        """The same error where these options are known, too."""
        return UnknownOption(self.option, (*self.known, *more)).hinted(*self.hints)


class NewerFormat(StoreError):
    """The store was written by a newer Backstory than this one."""


class StoreReadOnly(StoreError):
    """The file or its folder cannot be written."""


class StoreFull(StoreError):
    """No space is left. Nothing of the batch was kept; commits that were acknowledged before are safe."""


class StoreLocked(StoreError):
    """Another process held the store for longer than the timeout."""


class StoreClosed(StoreError):
    """The store was used after `close()`."""


class StoreRefused(StoreError):
    """The store cannot keep the data that it was given. Nothing of them was kept; data of other callers may be."""


class NotReacting(StoreRefused):
    """A reaction was to run in a store that does not have the right to react; see `backstory.right`."""


class LogDropped(StoreError):
    """A log that was open here was dropped, because nothing needed it any more."""


class StoreCorrupt(StoreError):
    """The stored data are not the data that were written."""


class HistoryLost(StoreError):
    """Commits that this process has seen are not there any more: the store was put back to an earlier time."""

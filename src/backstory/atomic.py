"""Several commands as one: `with db.atomic() as tx`, whose commands go in as one batch, or not at all.

The block is code of the caller, and runs once. On a conflict its commands are decided again, in their order.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from backstory.decide.call import Command, same_call
from backstory.decide.drafting import Said, appended
from backstory.decide.execution import ATTEMPTS, Attempt, Decision
from backstory.decide.mistaken import need_command
from backstory.decide.state import State
from backstory.decide.together import Together
from backstory.errors import BackstoryError, BranchError, Conflict, HeadMoved, HistoryMoved, IdReused
from backstory.forks import on_fork
from backstory.handle import Handle, Tip
from backstory.lookup import events_of
from backstory.subject import called
from backstory.values.commit import Commit, Draft
from backstory.writing import reused

S = TypeVar("S", bound=State)


class Pending:
    """A command of a unit: it is decided, and is in the log when the block has ended.

    `commit` is its commit then; None before, and if the command decided to do nothing.
    """

    def __init__(self, handle: Handle, command: Command, said: Said) -> None:
        drafter = handle.drafter
        self.command = drafter.drawn(need_command(command), said)
        self.commit: Commit | None = None
        self._handle = handle
        self.id = said.id
        self._drafting = drafter.for_command(self.command, said)
        self._attempt: Attempt | Decision | None = None
        self._events: list[Any] = []
        self._seen = False

    @property
    def events(self) -> list[Any]:
        """The events that the command gave. The block has seen them: a later try that gives others is a `Conflict`."""
        self._seen = True
        return list(self._events)

    def __repr__(self) -> str:
        """The command, and its commit or the number of its events."""
        where = (
            repr(self.commit) if self.commit is not None else f"{len(self._events)} events, not in the log"
        )
        return f"<Pending {self.command}: {where}>"

    @property
    def draft(self) -> Draft | None:
        """The draft of this try; None if the command decided to do nothing, or was executed before."""
        return self._attempt.draft if isinstance(self._attempt, Attempt) else None

    @property
    def does_nothing(self) -> bool:
        """Whether the command decided to do nothing."""
        return isinstance(self._attempt, Decision)

    def decide(self, tip: Tip, together: Together) -> bool:
        """Decide, unless an execution with this id is in the log. Returns whether the block can live with the result.

        Raises `IdReused` for an id of another command, `Refused`, and other errors of the command.
        """
        before = self._events
        known = self._handle.known(self.id)
        if known is None:
            self._attempt = together.attempt(self.command, self._drafting)
            decision = self._attempt.decision if isinstance(self._attempt, Attempt) else self._attempt
            self._events = decision.events
        elif same_call(known.command_json, self.command):
            self.commit, self._attempt = known, None
            log, decode = tip.line.log, tip.line.codec.decode
            self._events = [decode(record) for record in events_of(log, known)]
        else:
            raise reused(known, f"was used for another command, {called(known.command_json) or 'none'}")
        return not self._seen or self._events == before


class Atomic:
    """The commands of one `with db.atomic()` block. Safe for many threads: its commands go one after the other."""

    def __init__(self, handle: Handle, attempts: int = ATTEMPTS) -> None:
        handle.now()
        self._handle = handle
        self._attempts = attempts
        self._pending: list[Pending] = []
        self._error: Exception | None = None
        self._ended = False
        self._begin()
        on_fork(child=self._begin)
        self._decide_on(handle.tip)

    def _begin(self) -> None:
        self._turn = threading.Lock()

    def _decide_on(self, tip: Tip) -> None:
        self._tip = tip
        self._together = Together(tip.line.loader, tip.line.codec)

    def __repr__(self) -> str:
        """Its commands, and whether it has ended."""
        return f"<Atomic {self._pending}{', ended' if self._ended else ''}>"

    def execute(
        self,
        command: Command,
        *,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> Pending:
        """Decide a command on the history before the block and on what the block's earlier commands gave.

        Its commit is in the log when the block has ended, with those of all others. Parameters as for
        `Database.execute`. A command that raises, as with `Refused`, ends the unit: nothing of it is kept, and the end
        of the block raises the same error if the block caught it.
        """
        with self._turn:
            self._check_open()
            try:
                return self._decided(command, Said(id, author, message, metadata, at))
            except Exception as error:
                self._error = error
                raise

    def _decided(self, command: Command, said: Said) -> Pending:
        pending = Pending(self._handle, command, said)
        if said.id is not None and any(one.id == said.id for one in self._pending):
            raise IdReused(said.id, "is the id of another command of this unit")
        pending.decide(self._tip, self._together)
        self._pending.append(pending)
        if self._is_late(pending):
            self._again(self._tip, IdReused(said.id or "", "was used by another caller meanwhile"))
        return pending

    def _is_late(self, one: Pending) -> bool:
        """Whether a command was executed by another caller since this try began, whose other commands miss that."""
        return one.commit is not None and one.commit.position > self._together.head.position

    def load(self, state: S) -> S:
        """A state as the commands of the block so far leave it."""
        with self._turn:
            self._check_open()
            return self._together.load(state)

    def _check_open(self) -> None:
        if self._error is not None:
            raise self._error
        if self._ended:
            raise BackstoryError("this block of atomic() has ended; begin another one")

    def end(self, *, keep: bool) -> None:
        """End the block: append its commits as one batch, deciding all again on a conflict; or forget them.

        Raises `Conflict` after the last try, or if a later try gave other events than those that the block has looked
        at; `Refused` if a command refuses at a later try; `IdReused` if some commands of the unit are in the log, by
        their ids, and others are not.
        """
        self._ended = True
        if not keep:
            return
        with self._turn:
            if self._error is not None:
                raise self._error
            self._handle.following(self._appended)

    def _appended(self, tip: Tip) -> tuple[Commit, ...] | None:
        told: Exception | None = None
        for tries in range(max(self._attempts, 1)):
            if tries or tip.line is not self._tip.line:
                self._again(tip, told)
            fresh = [one for one in self._pending if one.draft is not None]
            if not fresh:
                return None
            if known := next((one.commit for one in self._pending if one.commit is not None), None):
                raise IdReused(
                    known.id, f"is in the log, at #{known.position}, without other commands of its unit"
                )
            guards = () if tip.stays is None else (tip.has(self._together.head),)
            [verdict] = tip.log.append([self._batch()], beside=guards)
            if isinstance(verdict, tuple):
                tip.line.loader.note(verdict[-1].point)
                for one, commit in zip(fresh, verdict, strict=True):
                    assert one.draft is not None
                    one.commit = appended(commit, one.draft)
                return verdict
            if not isinstance(verdict, (Conflict, HeadMoved, HistoryMoved, IdReused)):
                raise verdict
            told = verdict
            tip.line.executor.pause(tries)
        assert told is not None
        raise told

    def _batch(self) -> Sequence[Draft]:
        """The drafts. A decision to do nothing has none, so no condition: then no commit at all may come between."""
        drafts = [one.draft for one in self._pending if one.draft is not None]
        if any(one.does_nothing for one in self._pending):
            drafts[0] = replace(drafts[0], parent=self._together.head.hash)
        return drafts

    def _again(self, tip: Tip, told: Exception | None) -> None:
        """Decide all commands again. Raises `told` if the block has looked at events that are others now."""
        while True:
            self._decide_on(tip)
            for one in self._pending:
                if not one.decide(tip, self._together):
                    raise told or BranchError("the branch was moved while the block ran; run the block again")
            if not any(map(self._is_late, self._pending)):
                return

"""Running the recorded commands of a range again, one after the other.

By default each command decides on the history as the decisions before it have come out now; with `each`, on the
history as it was. Time, ids and chance are those that were recorded. Nothing is written anywhere: while all decisions
are the same, the log itself is that history, and from the first one that is not, a view of it with other events.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from backstory.decide.call import Command
from backstory.decide.gathering import key_of
from backstory.decide.loading import Loader, Reads
from backstory.decide.mistaken import need_untouched
from backstory.decide.state import State, state_type
from backstory.errors import BackstoryError, EventError, Refused
from backstory.failing import failure
from backstory.history.ask.recall import Known, Stuck, recalled
from backstory.history.backtest.passing import PassingLog
from backstory.history.backtest.patched import PatchedLog
from backstory.history.backtest.report import OUTCOMES, Again, Changed, Outcome, Report
from backstory.history.compare.diff import diff
from backstory.store import Held, Log
from backstory.values.codec import Codec
from backstory.values.commit import COMMAND, Commit
from backstory.values.event_data import EventData, RecordedEvent

STEPS, EVENTS = 1_000, 100
"""Decisions that are not the same which a report has, the first ones, and the events of each."""

STATES, DIFFERENT = 10_000, 100
"""States that are compared in the end, and those of them which a report has."""


class Decided(NamedTuple):
    """A decision that was made again: its events; or a refusal; or why it could not be made."""

    events: list[EventData]
    reads: Reads
    states: list[State]
    refused: str | None = None
    stuck: Stuck | None = None


class Backtest:
    """A backtest that goes on while it is iterated: each time, with the position that it has come to.

    It may be stopped between any two, or by an interrupt: `report` tells what is known so far.
    """

    def __init__(
        self,
        log: Log,
        start: int,
        end: int,
        *,
        codec: Codec,
        commands: Known,
        only: str | None = None,
        each: bool = False,
    ) -> None:
        self.log, self._start, self.end = log, start, end
        self._codec, self._commands, self._only, self._each = codec, commands, only, each
        self._passing = PassingLog(log, start)
        self._patched = PatchedLog(self._passing, start)
        self._now = Loader(self._patched)
        self._then = Loader(self._passing)
        self._at = start
        self._follows_refused = 0
        self._counts: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
        self._reasons: dict[str, int] = {}
        self._taken = 0
        self._steps: list[Again] = []
        self._references: dict[object, State] = {}
        self._more_states = False

    def __iter__(self) -> Iterator[int]:
        records = self.log.read(after=self._start, upto=self.end)
        for commit in self.log.commits(after=self._start, upto=self.end):
            events = list(islice(records, commit.size))
            if commit.command_json or COMMAND in commit.withheld:
                self._again(commit, events)
            else:
                self._taken += 1
            self._at = commit.position
            self._passing.passed.saw(events, commit.position)
            self._patched.passed(commit.position)
            yield self._at

    def _again(self, commit: Commit, events: list[RecordedEvent]) -> None:
        command = recalled(commit, self._commands)
        if self._only is not None and _name(commit, command) != self._only:
            self._taken += 1
            return
        if isinstance(command, Command) and not all(event.data for event in events):
            command = Stuck("withheld", "the data of its events are withheld, so nothing can be compared")
        if isinstance(command, Stuck):
            self._note(Again(commit, "cannot run", words=command.words, stuck=command.kind))
            return
        loader = self._then if self._each else self._now
        decided = self._decided(loader, commit, command)
        if decided.stuck is not None:
            self._note(Again(commit, "cannot run", words=decided.stuck.words, stuck=decided.stuck.kind))
        elif decided.refused is None and self._same(events, decided.events):
            self._counts["same"] += 1
            loader.advance(decided.reads, decided.states, commit, events, loader.memory)
        else:
            self._differs(commit, events, command, decided)

    def _differs(
        self, commit: Commit, events: list[RecordedEvent], command: Command, decided: Decided
    ) -> None:
        outcome: Outcome = "changed" if decided.refused is None else "refused"
        states: tuple[Changed, ...] = ()
        if self._each:
            states = self._after(commit, events, decided)
            self._then.advance(decided.reads, decided.states, commit, events, self._then.memory)
        else:
            if self._patched.is_patched:
                before = self._decided(self._then, commit, command)
                if before.stuck is None and before.refused is None and self._same(events, before.events):
                    outcome = "follows"
                    self._follows_refused += decided.refused is not None
                self._then.advance(before.reads, before.states, commit, events, self._then.memory)
            placed = self._patched.replace(commit, decided.events)
            self._now.advance(decided.reads, decided.states, commit, placed, self._now.memory)
            self._remember(decided.reads)
        self._note(
            Again(
                commit,
                outcome,
                tuple(decided.events[:EVENTS]),
                len(decided.events),
                decided.refused or "",
                states=states,
            )
        )

    def _note(self, step: Again) -> None:
        self._counts[step.outcome] += 1
        if step.stuck:
            self._reasons[step.stuck] = self._reasons.get(step.stuck, 0) + 1
        if len(self._steps) < STEPS:
            self._steps.append(step)

    def _remember(self, reads: Reads) -> None:
        for read in reads.states:
            key = key_of(read.reference)
            if key in self._references:
                continue
            if len(self._references) < STATES:
                self._references[key] = read.reference
            else:
                self._more_states = True

    def _decided(self, loader: Loader, commit: Commit, command: Command) -> Decided:
        """The decision of a command on a history as it was before a commit."""
        reads, states = Reads(()), list[State]()

        def load(references: list[State]) -> list[State]:
            nonlocal reads
            more = Reads(references)
            reads = reads + more if reads.states else more
            found = loader.load_more(more, commit.first - 1)
            states.extend(found)
            return found

        try:
            arguments = command.gathered(load)
            given = command.decide(arguments)
            if not given:
                need_untouched(command, arguments, states)
            events = [self._codec.encode(event) for event in given]
        except Refused as refused:
            return Decided([], reads, states, refused=refused.reason)
        except EventError as wrong:
            return Decided([], reads, states, stuck=Stuck("unreadable", str(wrong)))
        except BackstoryError as wrong:
            return Decided([], reads, states, stuck=Stuck("failed", str(wrong)))
        except Exception as wrong:  # noqa: BLE001 - of the code that is tried
            return Decided([], reads, states, stuck=Stuck("failed", f"its code failed:\n{failure(wrong)}"))
        return Decided(events, reads, states)

    def _same(self, recorded: list[RecordedEvent], decided: list[EventData]) -> bool:
        """Whether events say the same, as values: an older version of an event may say what a newer one says."""
        return len(recorded) == len(decided) and all(map(self._says_the_same, recorded, decided))

    def _says_the_same(self, one: RecordedEvent, other: EventData) -> bool:
        if one.type != other.type:
            return False
        if one.data == other.data and one.version == other.version:
            return True
        try:
            return bool(self._codec.decode(one) == self._codec.decode(other))
        except EventError:
            return False

    def _after(self, commit: Commit, recorded: list[RecordedEvent], decided: Decided) -> tuple[Changed, ...]:
        """The states that a decision read, after it as it was recorded and as it is now, where they differ."""
        if len(self._steps) >= STEPS:
            return ()
        placed = PatchedLog(self.log, self._start).replace(commit, decided.events)
        found = []
        for read, state in zip(decided.reads.states, decided.states, strict=False):
            compiled = state_type(type(state))
            then, now = compiled.copy(state), compiled.copy(state)
            compiled.fold(then, filter(read.query.matches, recorded), Held(commit))
            compiled.fold(now, filter(read.query.matches, placed), Held(commit))
            if difference := diff(then, now):
                found.append(Changed(read.reference, difference))
        return tuple(found[:DIFFERENT])

    def report(self) -> Report:
        """The result so far. The states of the decisions that differ are compared as of the position reached."""
        states: list[Changed] = []
        more = self._more_states
        for reference in self._references.values():
            try:
                difference = diff(self._then.load(reference, self._at), self._now.load(reference, self._at))
            except BackstoryError:
                continue  # it cannot be read on one of them; the decisions on it say so
            if difference and len(states) < DIFFERENT:
                states.append(Changed(reference, difference))
            elif difference:
                more = True
        different = sum(number for outcome, number in self._counts.items() if outcome != "same")
        return Report(
            self._start,
            self.end,
            self._at,
            self._each,
            dict(self._counts),
            dict(self._reasons),
            self._taken,
            tuple(self._steps),
            different - len(self._steps),
            tuple(states),
            more,
            self._follows_refused,
        )


class _Named(msgspec.Struct):
    name: str = ""


_named = msgspec.json.Decoder(_Named).decode


def _name(commit: Commit, command: Command | Stuck) -> str:
    """The name of the command that made a commit: the one of today, else the recorded one."""
    if isinstance(command, Command):
        return command.name
    try:
        return _named(commit.command_json).name
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""

"""One event and one reaction: from the function to the unit that is written.

The function runs once. The commands that it gave are decided at the end of the log, and go in as one unit with the
checkpoint. A conflict decides them again, and never runs the function again. Each has an id that follows from the
reaction, the commit and the event's place in it; a command whose id is in the log has been executed, whatever its
arguments say now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec

from backstory.decide.cache import Cache
from backstory.decide.call import Command
from backstory.decide.context import context
from backstory.decide.drafting import Drafting, Said
from backstory.decide.execution import ATTEMPTS, Attempt
from backstory.decide.loading import Loader, Reads
from backstory.decide.state import State, state_type
from backstory.decide.together import Together
from backstory.errors import Conflict, HistoryMoved, IdReused, Refused
from backstory.reactions.calls import Call, Calls
from backstory.reactions.declare import Delivery, Reacting
from backstory.store import Record
from backstory.unit import Append, Step, Written
from backstory.values.commit import Commit, Draft, Head
from backstory.values.ids import REACTION, derived

if TYPE_CHECKING:
    from backstory.handle import Handle, Tip

STATE_BYTES = 16_000_000
"""How much a runner remembers of the states that one reaction reads."""


class Prepared(msgspec.Struct, frozen=True):
    """A command that is to be executed, its inputs drawn, under its id."""

    id: str
    command: Command
    drafting: Drafting


def delivery_key(name: str, commit: Commit, position: int) -> str:
    """The key of an event for a reaction: SHA-256 of its name, the commit's id, and the event's place in that."""
    place = position - commit.first
    return hashlib.sha256(msgspec.json.encode([name, commit.id, place])).hexdigest()


class Deliverer:
    """Runs one reaction, up to `most` functions at once, and executes its commands. `ring`: see `Calls`."""

    def __init__(self, reacting: Reacting, handle: Handle, most: int, ring: Callable[[], object]) -> None:
        self._reacting = reacting
        self._handle = handle
        self._loader: Loader | None = None
        self._calls = Calls(reacting.name, most, ring)

    def begin(self, record: Record, attempt: int) -> Call[list[Prepared]]:
        """Run the function for an event. Raises errors of the states that it reads."""
        reacting, event = self._reacting, record.event
        key = delivery_key(reacting.name, record.commit, record.position)
        states = {
            name: self._loaded(state, record.position) for name, state in reacting.references(event).items()
        }

        def work() -> list[Prepared]:
            with context(author=reacting.name, because=record):
                given = reacting.run(event, states, Delivery(key, attempt, record), self._calls.wait)
                return [
                    self.prepared(command, derived(REACTION, f"{key}.{number}"))
                    for number, command in enumerate(given)
                ]

        return self._calls.begin(record, work)

    def close(self) -> None:
        """Wait for functions that are at work, and let go of their threads. It may be used again."""
        self._calls.close()

    def saw(self, end: Head) -> None:
        """Forget the states that are remembered, if values were withheld since; `end` was just read from the log."""
        if self._loader is not None:
            self._loader.saw(end)

    def _loaded(self, reference: State, position: int) -> State:
        """A state as of an event. Events come in order, so what is remembered is never newer."""
        loader = self._loader
        if loader is None:
            loader = self._loader = Loader(self._handle.now().log, None, Cache(STATE_BYTES))
        [state] = loader.load_more(Reads([reference]), position)
        return cast("State", state_type(type(reference)).copy(state))

    def prepared(self, command: Command, id: str) -> Prepared:
        """A command with its inputs, to be executed under an id."""
        drafter, said = self._handle.drafter, Said(id, self._reacting.name, own=True)
        drawn = drafter.drawn(command, said)
        return Prepared(id, drawn, drafter.for_command(drawn, said))

    def execute(
        self,
        prepared: Sequence[Prepared],
        write: Callable[[Sequence[Step], int], Written],
        *,
        parks: bool = False,
    ) -> tuple[Commit, ...]:
        """Decide these and write them with `write`, which gets the steps and the number of refusals.

        Returns the commits that it added. Raises the errors of the commands, `Refused` only if it `parks`; `Conflict`
        if others were quicker each time; and the errors of `write`.
        """
        told: Exception | None = None
        for tries in range(ATTEMPTS):
            tip = self._handle.tip
            drafts, refused = self._decided(tip, prepared, parks=parks)
            steps: list[Step] = [] if tip.stays is None else [tip.stays]
            if drafts:
                steps.append(Append(tip.line.chain[-1], drafts))
            try:
                written = write(steps, refused)
            except (Conflict, IdReused, HistoryMoved) as moved:
                told = moved
                tip.line.executor.pause(tries)
                continue
            commits = written.commits[0] if written.commits else ()
            if commits:
                tip.line.loader.note(commits[-1].point)
            return commits
        assert told is not None
        raise told

    def _decided(self, tip: Tip, prepared: Sequence[Prepared], *, parks: bool) -> tuple[list[Draft], int]:
        """The drafts of those commands that are not in the log yet, and the number of refusals."""
        drafts: list[Draft] = []
        refused = 0
        together: Together | None = None
        for one in prepared:
            if self._handle.known(one.id) is not None:
                continue
            if together is None:
                together = Together(tip.line.loader, tip.line.codec)
            try:
                attempt: Any = together.attempt(one.command, one.drafting)
            except Refused:
                if parks:
                    raise
                refused += 1
                continue
            if isinstance(attempt, Attempt):
                drafts.append(attempt.draft)
        return drafts, refused

"""Commands that are decided one after the other, each on what the earlier ones gave, before any of it is in the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

from backstory.decide.call import Command
from backstory.decide.drafting import Drafting
from backstory.decide.execution import Attempt, Decision
from backstory.decide.loading import Loader, Reads
from backstory.decide.mistaken import need_state, need_untouched
from backstory.decide.state import State, state_type
from backstory.store import Held
from backstory.values.codec import Codec
from backstory.values.commit import Commit, chained, recorded
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Condition, Query

S = TypeVar("S", bound=State)


class Together:
    """One try of several commands: they are decided on the end of a log, and on the events of those before them.

    A condition is judged against the log as it was before a batch, so each decision has the position of that end, and
    the events of the earlier commands are in no decision's way.
    """

    def __init__(self, loader: Loader, codec: Codec) -> None:
        self.head = loader.head()
        self._memory = loader.memory
        self._end = self.head
        self._loader = loader
        self._codec = codec
        self._pending: list[tuple[Commit, Sequence[RecordedEvent]]] = []

    def load(self, reference: S) -> S:
        """A filled copy of a reference, as the commands so far leave it. Raises `UnreadableEvent`, `InvalidTag`."""
        [state] = self._loaded(Reads([need_state(reference)]))
        return cast("S", state_type(type(reference)).copy(state))

    def _loaded(self, reads: Reads) -> list[State]:
        """States that the caller must not change."""
        states = self._loader.load_more(reads, self.head.position)
        return [self._followed(state, read.query) for state, read in zip(states, reads.states, strict=True)]

    def _followed(self, state: State, query: Query) -> State:
        """The state with the events of the commands so far, if it reads any of them."""
        pending = [
            (commit, mine)
            for commit, records in self._pending
            if (mine := list(filter(query.matches, records)))
        ]
        if not pending:
            return state
        compiled = state_type(type(state))
        followed: State = compiled.copy(state)
        for commit, records in pending:
            compiled.fold(followed, records, Held(commit))
        return followed

    def attempt(self, command: Command, drafting: Drafting) -> Attempt | Decision:
        """Decide the next command; the decision alone if it is to do nothing. Raises the errors of the command."""
        reads, states = Reads(()), list[State]()

        def load(references: list[State]) -> list[State]:
            nonlocal reads
            more = Reads(references)
            reads += more
            found = self._loaded(more)
            states.extend(found)
            return found

        arguments = command.gathered(load)
        given = command.decide(arguments)
        condition = Condition(reads.boundary, self.head.position) if reads.states else None
        decision = Decision(given, reads, self.head.position, condition, states, self._memory)
        if not given:
            need_untouched(command, arguments, states)
            return decision
        events = [self._codec.encode(event) for event in given]
        attempt = Attempt(decision, events, drafting(events, condition))
        commit = chained(attempt.draft, self._end)
        self._end = commit.point
        self._pending.append((commit, recorded(events, commit)))
        return attempt

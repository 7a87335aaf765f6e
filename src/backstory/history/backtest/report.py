"""The result of a backtest: what became of each recorded decision, and of the states in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from backstory.decide.state import State
from backstory.history.compare.diff import Difference
from backstory.values.commit import Commit
from backstory.values.event_data import EventData

Outcome = Literal["same", "changed", "refused", "follows", "cannot run"]

OUTCOMES: tuple[Outcome, ...] = ("same", "changed", "refused", "follows", "cannot run")


class Again(msgspec.Struct, frozen=True):
    """A recorded decision that came out otherwise, or that cannot be made again.

    `events` are those that it gives now, at most `EVENTS` of them, and `size` counts all. `words` are the reason of a
    refusal, or why it cannot run; then `stuck` is the kind of reason. `states` are the differences of the states that
    the command reads, after the new decision instead of the recorded one; only with `each`.
    """

    commit: Commit
    outcome: Outcome
    events: tuple[EventData, ...] = ()
    size: int = 0
    words: str = ""
    stuck: str = ""
    states: tuple[Changed, ...] = ()


class Changed(msgspec.Struct, frozen=True):
    """A state that comes out otherwise."""

    reference: State
    difference: Difference


class Report(msgspec.Struct, frozen=True):
    """The outcomes of the decisions after `start`, up to `at`, which is before `end` if it was stopped.

    `counts` has the number of decisions for each outcome, `reasons` those that cannot run by kind of reason; `taken`
    are commits that were taken over as they are: without a command, or of another one than was asked for. `steps` are
    the first decisions that are not the same; `more` counts the others. `states` are the states that those commands
    read which are not the same at `at`; `more_states`, that some were not looked at. `follows_refused` counts those
    among the outcome `follows` that are refused.
    """

    start: int
    end: int
    at: int
    each: bool
    counts: Mapping[Outcome, int]
    reasons: Mapping[str, int]
    taken: int
    steps: tuple[Again, ...]
    more: int = 0
    states: tuple[Changed, ...] = ()
    more_states: bool = False
    follows_refused: int = 0

    @property
    def differs(self) -> bool:
        """Whether any decision came out otherwise."""
        return any(self.counts[each] for each in ("changed", "refused", "follows"))

    @property
    def is_whole(self) -> bool:
        """Whether it came to its end."""
        return self.at == self.end

    def __repr__(self) -> str:
        """In a line: `<Report #0..#12: 8 same, 1 changed>`."""
        told = ", ".join(f"{number} {outcome}" for outcome, number in self.counts.items() if number)
        return f"<Report #{self.start}..#{self.at}: {told or 'no decision'}>"

"""Commands that compete: in every order, all invariants hold.

Only orders one after the other are possible. A command that was decided on an older state is appended only if no event
that it reads has come since, so it would decide the same now.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import count, permutations
from math import factorial
from typing import Any, NamedTuple

from backstory.decide.call import Command
from backstory.decide.state import State
from backstory.errors import Refused
from backstory.testing import wording
from backstory.testing.deciding import Around, after, decided
from backstory.testing.history import Broken, as_commits, history
from backstory.testing.story import Step, Story

LIMIT = 720
"""Orders that are tried: all of six commands."""


class Order(NamedTuple):
    """The result of one order: the commands that were accepted, the refusals, and the states in the end."""

    accepted: list[Command]
    refused: list[tuple[Command, Refused]]
    states: list[State]


def every_order(
    commands: Iterable[Command],
    *,
    given: Iterable[Any] = (),
    states: Iterable[State] = (),
    author: str = "",
    limit: int = LIMIT,
    seed: int = 0,
) -> list[Order]:
    """Execute commands in every order, after the given events; more than `limit` orders are sampled, from `seed`.

    A command may be refused. Fails if an invariant breaks, of `states` or of the states that the commands read.
    Returns the result of each order, for further assertions:

        for order in every_order(rivals, given=[CourseOpened("maths", capacity=1)]):
            assert len(order.accepted) == 1
    """
    __tracebackhide__ = True
    commands, given, states = list(commands), list(given), list(states)
    return [
        in_order(order, given=given, states=states, author=author) for order in _orders(commands, limit, seed)
    ]


def in_order(
    commands: Iterable[Command],
    *,
    given: Iterable[Any] = (),
    states: Iterable[State] = (),
    author: str = "",
) -> Order:
    """Execute commands in this order; otherwise as `every_order`. Hypothesis makes the commands, where you like:

    moves = strategies.builds(withdraw, strategies.just(Account("a-7")), cents=strategies.integers(1, 900))

    @hypothesis.given(strategies.lists(moves))
    def test_no_account_is_ever_overdrawn(commands: list[Command]) -> None:
        in_order(commands, given=[Deposited("a-7", 500)])
    """
    __tracebackhide__ = True
    commands, commits = list(commands), as_commits(given)
    watched = _watched(commands, states)
    past = history(commits)
    story = Story(Step("Given", tuple(line for commit in commits for line in commit.told())))
    order, around = Order([], [], []), Around(author, ids=count(1))
    try:
        order.states[:] = map(past.load, watched)
        for command in commands:
            story.tell("When", [str(command)])
            outcome = decided(around.drawn(command, past), past)
            watched += [state for state in outcome.read if state not in watched]
            if outcome.refused is not None:
                story.tell("Then", [f"refused: {outcome.refused}"])
                order.refused.append((command, outcome.refused))
                continue
            past = after(outcome, past, around)
            story.tell("Then", map(wording.event, outcome.events))
            order.accepted.append(command)
            order.states[:] = map(past.load, watched)
    except Broken as broken:
        raise story.failure(broken) from None
    return order


def _watched(commands: Iterable[Command], states: Iterable[State]) -> list[State]:
    """The states named, and those that the commands read, each once."""
    watched = list(states)
    for command in commands:
        watched += [state for state in command.references if state not in watched]
    return watched


def _orders(commands: list[Command], limit: int, seed: int) -> Iterable[Sequence[Command]]:
    if factorial(len(commands)) <= limit:
        return permutations(commands)
    chance = random.Random(seed)  # noqa: S311 - which orders are tried is no secret
    return (chance.sample(commands, len(commands)) for _ in range(limit))

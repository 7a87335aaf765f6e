"""Gathering the states of one decision, stage by stage: those that were given, then those that depend on them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, cast

from backstory.decide.state import State, state_type
from backstory.values.exact import Inexact, exact

if TYPE_CHECKING:
    from backstory.decide.call import Command
    from backstory.decide.commands import CommandType

Load = Callable[[list[State]], list[State]]
"""Fills the references of one stage, in their order. All stages must be read at one position."""


def gathered(command: Command, load: Load) -> dict[str, Any]:
    """The arguments of a command's function, all states filled. Raises the errors of functions that name states.

    `load` is called at once with the references that were given, even if there are none, and then for each stage. It
    gets a reference once; a state that several parameters name is copied for each.
    """
    kind, values, known = command.kind, dict(command.given()), Known()
    known.read(command.references, load)
    for name, state in kind.states.items():
        values[name] = state.each(values[name], known.take)
    for stage in kind.stages:
        found = {name: kind.dependents[name].find(name, known.own(kind, values)) for name in stage}
        states = {name: kind.dependents[name].state for name in stage}
        known.read([each for name, state in states.items() for each in state.states(found[name])], load)
        for name, state in states.items():
            values[name] = state.each(found[name], known.take)
    return values


class Known:
    """The states of a decision that were read already."""

    def __init__(self) -> None:
        self._states: dict[Hashable, State] = {}
        self._references: list[State] = []  # a key may be that of the object, which must live as long

    def read(self, references: list[State], load: Load) -> None:
        """Load those that were not read yet."""
        new = {key: each for each in references if (key := key_of(each)) not in self._states}
        self._references += references
        if new or not self._states:
            self._states.update(zip(new, load(list(new.values())), strict=True))

    def own(self, kind: CommandType[...], values: dict[str, Any]) -> dict[str, Any]:
        """The values for a function that names states: each is a copy, so a change that it makes is lost."""
        copies = {
            name: one.each(values[name], self.take) for name, one in kind.reads.items() if name in values
        }
        return values | copies

    def take(self, reference: State) -> State:
        """A copy of the filled state, for a parameter of its own, which its function may change."""
        state = self._states[key_of(reference)]
        return cast("State", state_type(type(state)).copy(state))


def key_of(reference: State) -> Hashable:
    """A key that is the same for two references if they mean one state."""
    kind = type(reference)
    try:
        identity = tuple([exact(getattr(reference, name)) for name in state_type(kind).identity])
    except Inexact:
        return id(reference)
    return kind, reference.query(), identity

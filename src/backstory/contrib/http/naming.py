"""States and arguments that are named in the path of a route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.contrib.http.problems import Wrong
from backstory.decide.commands import CommandType
from backstory.decide.parameters import Shape, is_state
from backstory.documents.application import identity_types
from backstory.errors import DefinitionError

if TYPE_CHECKING:
    from backstory.decide.state import State


def check_command(given: object) -> None:
    """Raise `DefinitionError` for anything that is no command."""
    if not isinstance(given, CommandType):
        raise DefinitionError(
            f"{_words(given)} is no command: this endpoint takes a function with @command{_other(given)}"
        )


def check_state(given: object) -> None:
    """Raise `DefinitionError` for anything that is no class of states."""
    if not is_state(given):
        raise DefinitionError(
            f"{_words(given)} is no state: this endpoint takes a class that derives from State{_other(given)}"
        )


def _words(given: object) -> str:
    return (
        given.name
        if isinstance(given, CommandType)
        else getattr(given, "__qualname__", type(given).__qualname__)
    )


def _other(given: object) -> str:
    if isinstance(given, CommandType):
        return "; a command is given to command(...)"
    return "; a state is given to state(...)" if is_state(given) else ""


def identity_of(cls: type[State]) -> dict[str, Any]:
    """The types of the fields that tell states of a class apart."""
    return {name: field.type for name, field in identity_types(cls).items()}


class Named:
    """How the words of a path become arguments of a command.

    A word has the name of a parameter: of a state with one field of identity, or of a plain argument. Or it has the
    name of a field of identity that just one of the states has. Raises `DefinitionError` for a name that means nothing.
    """

    def __init__(self, command: CommandType[...], names: Iterable[str]) -> None:
        self._plain: dict[str, Any] = {}
        self.states: dict[str, dict[str, tuple[str, Any]]] = {}
        """For each state that is named in the path: its fields of identity, and the word and type of each."""
        for name in names:
            self._add(command, name)
        for state, fields in self.states.items():
            cls = command.states[state].cls
            if missing := [field for field in identity_of(cls) if field not in fields]:
                raise DefinitionError(
                    f"{command.name}: the path names {state} by {', '.join(fields)}; {cls.__name__} needs"
                    f" {', '.join(missing)} too"
                )

    def _add(self, command: CommandType[...], name: str) -> None:
        if name in command.plain:
            self._plain[name] = command.plain[name]
            return
        single = {each: state for each, state in command.states.items() if state.shape is not Shape.MANY}
        state = single.get(name)
        if state is not None and len(identity := identity_of(state.cls)) == 1:
            [(field, kind)] = identity.items()
            self.states[name] = {field: (name, kind)}
            return
        having = [each for each, one in single.items() if name in identity_of(one.cls)]
        if len(having) != 1:
            known = [
                *command.plain,
                *single,
                *{field for one in single.values() for field in identity_of(one.cls)},
            ]
            raise DefinitionError(
                f"{command.name}: {{{name}}} in the path is"
                f" {'of several states' if having else 'no parameter, and no identity of a state'};"
                f" it may be one of {', '.join(dict.fromkeys(known))}"
            )
        kind = identity_of(single[having[0]].cls)[name]
        self.states.setdefault(having[0], {})[name] = (name, kind)

    @property
    def names(self) -> set[str]:
        """The parameters that the path gives, so that the body gives them not."""
        return {*self._plain, *self.states}

    @property
    def types(self) -> dict[str, Any]:
        """The types of the words."""
        return self._plain | {word: kind for fields in self.states.values() for word, kind in fields.values()}

    def arguments(self, words: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that the words mean, as JSON has them. Raises `Wrong`."""
        plain = {name: as_json(name, words[name], kind) for name, kind in self._plain.items()}
        states = {
            state: {field: as_json(word, words[word], kind) for field, (word, kind) in fields.items()}
            for state, fields in self.states.items()
        }
        return plain | states


def as_json(name: str, word: Any, kind: Any) -> Any:
    """A word of a path as a JSON value of a type. Raises `Wrong`."""
    try:
        return msgspec.to_builtins(msgspec.convert(word, kind, strict=False))
    except msgspec.ValidationError as wrong:
        raise Wrong(422, f"{name} in the path: {wrong}") from None


def check_identity(cls: type[State], names: Iterable[str]) -> None:
    """Raise `DefinitionError` for a path that does not say which state of a class is meant."""
    if missing := [name for name in identity_of(cls) if name not in names]:
        raise DefinitionError(
            f"{cls.__name__}: the path has no {{{missing[0]}}}, which tells one from another"
        )


def reference(cls: type[State], words: Mapping[str, Any]) -> State:
    """The empty state that the words of a path identify. Raises `Wrong`, and `DefinitionError`."""
    check_identity(cls, words)
    given = {}
    for name, kind in identity_of(cls).items():
        try:
            given[name] = msgspec.convert(words[name], kind, strict=False)
        except msgspec.ValidationError as wrong:
            raise Wrong(422, f"{name} in the path: {wrong}") from None
    return cls(**given)

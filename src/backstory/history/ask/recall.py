"""The command of a commit, as a value that can be decided again; or the reason why it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from backstory.decide.call import Command
from backstory.decide.commands import CommandType
from backstory.decide.gathering import key_of
from backstory.decide.inputs import Input
from backstory.decide.state import State
from backstory.values.commit import AUTHOR, COMMAND, Commit

Known: TypeAlias = "Mapping[str, CommandType[...]]"
"""Commands by the name that commits record."""


class Stuck(msgspec.Struct, frozen=True):
    """Why a command cannot be run again, in a word and in words.

    It was `withheld`, `none` was recorded, it is `unknown` here, an argument is `secret`, or the arguments are a
    `misfit` for the function as it is now; of one that was run, it `failed`, or a state was `unreadable`.
    """

    kind: Literal["withheld", "none", "unknown", "secret", "misfit", "failed", "unreadable"]
    words: str


class _Executed(msgspec.Struct):
    """The form of the command of an execution; a commit that came in may have any JSON object as its command."""

    name: str
    arguments: dict[str, Any]
    inputs: dict[str, Any] = {}
    withheld: list[str] = []


_decode = msgspec.json.Decoder(_Executed).decode


def references_of(commit: Commit, commands: Known) -> list[State] | None:
    """The states that the command of a commit was given, as references, if its function names no others; else None.

    They are known also where the command cannot be run again, because an argument was not recorded.
    """
    try:
        recorded = _decode(commit.command_json)
        kind = commands[recorded.name]
        if kind.dependents:
            return None
        given = kind.today(recorded.arguments)
        states = {name: kind.states[name].parsed(given[name], strict=True) for name in kind.states}
    except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, TypeError):
        return None
    found = [each for name, state in kind.states.items() for each in state.states(states[name])]
    return list({key_of(each): each for each in found}.values())


Instead: TypeAlias = "Callable[[CommandType[...], str], Any]"
"""Gives another value, as JSON, for an argument that was not recorded, by its name."""


def unrecorded(commit: Commit) -> list[str]:
    """The arguments of the command that made a commit that were not recorded, because they were secret."""
    try:
        return _decode(commit.command_json or b"").withheld
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []


def recalled(commit: Commit, commands: Known, instead: Instead | None = None) -> Command | Stuck:
    """The command that made a commit, with its recorded inputs; or why it cannot be run again here.

    With `instead`, arguments that were not recorded have other values.
    """
    if COMMAND in commit.withheld:
        return Stuck("withheld", "its command is withheld, so it cannot be decided again")
    if not commit.command_json:
        return Stuck("none", "no command made it, so it cannot be decided again")
    try:
        recorded = _decode(commit.command_json)
    except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
        return Stuck("none", f"no execution recorded its command ({wrong}), so it cannot be decided again")
    kind = commands.get(recorded.name)
    if kind is None:
        name = recorded.name
        why = f"the command {name} is not known here, or two have that name: it cannot be decided again"
        return Stuck("unknown", f'{why}; if its function has another name now, say @command(name="{name}")')
    withheld = recorded.withheld
    if withheld and instead is None:
        names = " and ".join(f"`{name}`" for name in withheld)
        its = f"its argument {names} was" if len(withheld) == 1 else f"its arguments {names} were"
        return Stuck("secret", f"{its} not recorded, so it cannot be decided again")
    if AUTHOR in commit.withheld and any(one.kind is Input.AUTHOR for one in kind.inputs.values()):
        return Stuck("withheld", "its author is withheld, and its command asks for the author")
    try:
        others = {} if instead is None else {name: instead(kind, name) for name in withheld}
        return kind.again(
            {"arguments": {**recorded.arguments, **others}, "inputs": recorded.inputs}, commit.author
        )
    except TypeError as wrong:
        return Stuck("misfit", f"its command cannot be run again: {wrong}")

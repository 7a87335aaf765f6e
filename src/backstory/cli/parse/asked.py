"""A command of an application as a verb: its parameters as arguments, and the arguments as a `Command`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backstory.cli.exits import UsageError
from backstory.cli.parse import parser as parsers
from backstory.decide.call import Command
from backstory.decide.commands import CommandType
from backstory.decide.parameters import Shape
from backstory.documents.application import first_line, identity_types
from backstory.documents.types import bare, item, spelled
from backstory.errors import InputError
from backstory.texts.calls import called, required
from backstory.texts.usage import named, option, usage, which
from backstory.told import pasted, plain, quoted

if TYPE_CHECKING:
    from argparse import Namespace, _ActionsContainer

    from backstory.cli.parse.parser import Parser
    from backstory.cli.show.output import Output
    from backstory.session import Session


NO = ("", "0", "false", "no")
"""Values by which somebody may have meant that something does not hold."""

Perform = Callable[[Command, "Namespace", "Session", "Output"], int]
"""The work of a verb on a command that was called."""


class Asked:
    """A verb that takes a command, once it is known which one: `do withdraw`. `options` are the verb's own."""

    def __init__(
        self,
        command: CommandType[...],
        verb: str,
        options: Callable[[_ActionsContainer], None],
        perform: Perform,
        example: str,
    ) -> None:
        self.command = command
        self._verb, self._options, self._perform = verb, options, perform
        self._usage: list[str] = []
        self.EXAMPLES = f"backstory {verb} {usage(command)}\nbackstory {verb} {usage(command)} {example}\n"
        self.TEXT = (inspect.getdoc(command.function) or "").partition("\n")[2]

    def arguments(self, parser: Parser) -> None:
        """The command's own parameters, then the options of the verb."""
        parser.given = f"backstory {self._verb} {usage(self.command)} [options]"
        self._usage = parser.usage_lines()
        words = which(self.command)
        if words:
            classes = ", ".join(self.command.states[name].wanted for name in words)
            shown = " ".join(words.values())
            parser.add_argument("words", nargs="*", default=[], metavar=shown, help=f"which {classes}")
        group = parser.add_argument_group("parameters")
        for name in words:
            self._state(group, name, "instead of by its place")
        for name in named(self.command):
            self._state(group, name, "required" if required(self.command, name) else "or none")
        for name, annotation in self.command.plain.items():
            self._parameter(group, name, annotation)
        self._options(parser.add_argument_group(f"options of {self._verb}"))

    def _state(self, group: Any, name: str, about: str) -> None:
        state = self.command.states[name]
        fields, many = list(identity_types(state.cls)), state.shape is Shape.MANY
        group.add_argument(
            option(name),
            dest=f"state {name}",
            nargs=len(fields),
            action="append" if many else "store",
            metavar=" ".join(map(str.upper, fields)),
            help=f"which {state.cls.__name__}, {about}{'; repeat for more' if many else ''}",
        )

    def _parameter(self, group: Any, name: str, annotation: Any) -> None:
        written, dest = option(name), f"plain {name}"
        default = self.command.signature.parameters[name].default
        about = "required" if default is inspect.Parameter.empty else f"default: {plain(str(default))}"
        if bare(annotation) is bool:
            group.add_argument(written, dest=dest, action="store_const", const="true", help=about)
            group.add_argument(
                f"--no-{written[2:]}", dest=dest, action="store_const", const="false", help="the opposite"
            )
        elif (inner := item(annotation)) is not None:
            many = f"{about}; repeat for more, or give a JSON list"
            group.add_argument(written, dest=dest, action="append", metavar=spelled(inner), help=many)
        else:
            group.add_argument(written, dest=dest, metavar=spelled(annotation), help=about)

    def run(self, arguments: Namespace, session: Session, out: Output) -> int:
        """Make the command of the arguments, and do it."""
        return self._perform(self.made(arguments), arguments, session, out)

    def made(self, arguments: Namespace) -> Command:
        """The command that the arguments mean. Raises `UsageError` with the command's usage."""
        texts = {
            name: text
            for name in self.command.plain
            if (text := self._at(arguments, f"plain {name}")) is not None
        }
        words = list(getattr(arguments, "words", []))
        self._check_no_fields(words)
        states: dict[str, Any] = {}
        for name, state in self.command.states.items():
            own = self._at(arguments, f"state {name}")
            if own is None and state.shape is Shape.ONE:
                fields = identity_types(state.cls)
                own, words = words[: len(fields)], words[len(fields) :]
                if len(own) < sum(field.required for field in fields.values()):
                    raise self.wrong(f"which {state.cls.__name__}? {which(self.command)[name]} is missing")
            if own is not None:
                states[name] = own
        if words:
            raise self.wrong(f"{' '.join(words)!r} is too much; other arguments are given by name")
        try:
            return called(self.command, states, texts, option)
        except InputError as wrong:
            raise self.wrong(str(wrong)) from None

    def _check_no_fields(self, words: list[str]) -> None:
        """Raise `UsageError` if an argument is written as a field, NAME=VALUE: it is not the identity of a state."""
        found = [(word, text) for word in words if (text := self._as_option(word))]
        if found:
            said = " ".join(quoted(word) for word, _ in found)
            raise self.wrong(f"for {said} write {' '.join(text for _, text in found)}")

    def _as_option(self, word: str) -> str:
        """The option that a NAME=VALUE stands for; empty for another word, and if there is no such parameter."""
        name, equals, value = word.partition("=")
        name = name.replace("-", "_")
        if equals and name in self.command.states:
            fields = list(identity_types(self.command.states[name].cls))
            if len(fields) == 1:
                return _given(name, value)
            return f"{option(name)} {' '.join(map(str.upper, fields))}" if fields else ""
        if not equals or name not in self.command.plain:
            return ""
        if bare(self.command.plain[name]) is bool:
            return f"--no-{option(name)[2:]}" if value.casefold() in NO else option(name)
        return _given(name, value)

    def wrong(self, why: str) -> UsageError:
        """An error with the command's usage."""
        name = self.command.name
        return UsageError(f"{name}: {why}").hinted(*self._usage, f"Try: {pasted(self._verb, name, '--help')}")

    @staticmethod
    def _at(arguments: Namespace, dest: str) -> Any:
        return getattr(arguments, dest, None)


def _given(name: str, value: str) -> str:
    """An option with its value as a command line has it; a value that begins with - would be read as an option."""
    return f"{option(name)}{'=' if value.startswith('-') else ' '}{quoted(value)}"


def named_command(
    verb: str,
    module: Any,
    words: list[str],
    options: Callable[[_ActionsContainer], None],
    perform: Perform,
    example: str,
) -> tuple[str, str, Asked, list[str]] | None:
    """The command that the words of a verb name, as a verb of its own: its name, what it does, itself, the words left.

    None if they name none and ask for help. Raises `UsageError`, `SessionError`, `ApplicationError`.
    """
    asks = [word for word in words if word not in ("-h", "--help")]
    found, _ = parsers.build(verb, "", module).parse_known_args(asks)
    if found.command is None:
        if parsers.wants_help(words):
            return None
        raise UsageError(f"which command? They are listed by: {pasted('commands')}")
    command = parsers.session_of(found).application.command(found.command)
    at = words.index(found.command)
    written = found.command.replace("-", "_")
    name = written if written == command.name else found.command
    about = first_line(command.__doc__) or "a command of this application"
    asked = Asked(command, verb, options, perform, example)
    return f"{verb} {name}", about, asked, words[:at] + words[at + 1 :]

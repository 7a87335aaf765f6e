"""Parsers in the house style: the options of every verb, and help that reads the same on every Python."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from backstory.cli.exits import UsageError
from backstory.likeness import did_you_mean
from backstory.told import pasted

if TYPE_CHECKING:
    from backstory.session import Session

WIDTH = 100
"""The width at which help text is folded."""

COLUMN = 28
"""The column at which the help of an option begins."""

POINTS = ("--at", "--since", "--until")
"""Options by which verbs take a point of history."""

ELSEWHERE = {"--order-by": "--sort", "--limit": "--number"}
"""Words of the library and of the tools for assistants, and the options of the same meaning."""

Verb = Any
"""A verb's module, or an object in its place: `EXAMPLES`, `arguments`, and perhaps `TEXT` and `BEYOND`."""

EVERY_VERB = "options of every verb"


class Parser(argparse.ArgumentParser):
    """A verb's parser: errors are raised, not printed, and help is laid out here.

    argparse's own help changes from one Python to the next, and the reference page must not.
    """

    given: str | None = None
    """The usage, if it is not made from the positional arguments; argparse itself sets `usage` while it parses."""

    beyond = ""
    """The hint about more words than the verb takes."""

    summary = ""
    text = ""
    examples = ""

    def error(self, message: str) -> NoReturn:
        """Raise the error with a pointer to the help; before it the usage, if this parser has one of its own."""
        _, unknown, words = message.partition("unrecognized arguments: ")
        option = words.strip().partition(" ")[0].partition("=")[0] if unknown else ""
        if hint := self._by_place(option) or did_you_mean(option, self._option_string_actions):
            message = f"{message}; {hint}"
        elif option and not option.startswith("-") and self.beyond:
            message = f"{message}; {self.beyond}"
        usage = [] if self.given is None else self.usage_lines()
        raise UsageError(message).hinted(*usage, f"Try: {pasted(*self.prog.split()[1:], '--help')}")

    def _by_place(self, option: str) -> str:
        """The words for an option of other verbs or of the library, which this verb says otherwise."""
        if option in POINTS and any("RANGE" in value_name(each) for each in self._get_positional_actions()):
            return "a revision or a range stands here without an option: '#12', or '@{yesterday}..HEAD'"
        same = ELSEWHERE.get(option)
        return f"did you mean {same}?" if same in self._option_string_actions else ""

    def format_help(self) -> str:
        """Summary, usage, text, options, examples."""
        lines = [f"{self.prog}: {self.summary}", "", *self.usage_lines(), ""]
        if self.text:
            lines += [*folded(self.text), ""]
        for title, rows in self.sections():
            lines += [f"{title}:", *(line for row in rows for line in columns(*row)), ""]
        lines += ["examples:", *(f"  {line}" for line in self.examples.splitlines()), ""]
        return "\n".join(lines)

    def usage_lines(self) -> list[str]:
        """The usage: the one that was given, or one made from the positional arguments."""
        if self.given is not None:
            from re import sub
            from textwrap import wrap

            whole = sub(r"\[[^]]*\]|--\S+ [^-\[]\S*", lambda part: part[0].replace(" ", "\0"), self.given)
            lines = wrap(f"usage: {whole}", WIDTH, subsequent_indent=" " * 7, break_on_hyphens=False)
            return [line.replace("\0", " ") for line in lines]
        parts = [f"usage: {self.prog}", "[options]"]
        for action in self._get_positional_actions():
            name = value_name(action)
            parts.append(
                {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} ..."}.get(str(action.nargs), name)
            )
        return [" ".join(parts)]

    def sections(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Each group of arguments with its rows: the form of the argument, and its help."""
        for group in self._action_groups:
            rows = [(written(action), action.help or "") for action in group._group_actions]
            if rows:
                yield str(group.title).removeprefix("positional "), rows


def application_options(parser: argparse._ActionsContainer) -> None:
    """The options of every verb that may show data."""
    parser.add_argument(
        "--app",
        metavar="MODULE[:NAME]",
        help="the application; else BACKSTORY_APP, else [tool.backstory] app in pyproject.toml",
    )
    parser.add_argument(
        "--personal", action="store_true", help="show also values that the application marks as personal"
    )


def folded(text: str) -> Iterator[str]:
    """Paragraphs, folded."""
    from textwrap import wrap

    for index, paragraph in enumerate(text.split("\n\n")):
        yield from ([""] if index else [])
        yield from wrap(paragraph, WIDTH)


class Unmeasured(argparse.HelpFormatter):
    """A formatter that does not measure the terminal: argparse makes one for each option, and shutil loads slowly."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=WIDTH)


def written(action: argparse.Action) -> str:
    """An argument as it is written: `-n, --number N`, or its name."""
    if not action.option_strings:
        return value_name(action)
    value = "" if action.nargs == 0 else f" {value_name(action)}"
    return ", ".join(action.option_strings) + value


def value_name(action: argparse.Action) -> str:
    """The placeholder for an argument's value."""
    if action.choices is not None and action.metavar is None:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())


def columns(left: str, right: str) -> Iterator[str]:
    """Two columns of help, the right one folded."""
    from textwrap import wrap

    folded = wrap(right, WIDTH - COLUMN - 2) or [""]
    if len(left) > COLUMN - 2:
        yield f"  {left}"
    else:
        yield f"  {left:{COLUMN}}{folded.pop(0)}".rstrip()
    for line in folded:
        yield f"  {'':{COLUMN}}{line}"


def build(verb: str, summary: str, module: Verb) -> Parser:
    """The parser of a verb: its own arguments, then those of every verb."""
    parser = Parser(
        prog=f"backstory {verb}",
        usage="",  # or argparse would lay one out at each call, which nobody sees
        add_help=False,
        allow_abbrev=False,
        formatter_class=Unmeasured,
    )
    parser.summary, parser.examples = summary, module.EXAMPLES
    parser.text, parser.beyond = getattr(module, "TEXT", "").strip(), getattr(module, "BEYOND", "")
    module.arguments(parser)
    group = parser.add_argument_group(EVERY_VERB)
    group.add_argument(
        "-s",
        "--store",
        metavar="STORE",
        help="a path or an address; else BACKSTORY_STORE, else [tool.backstory] store in pyproject.toml",
    )
    group.add_argument(
        "-b", "--branch", metavar="NAME", help="the branch; else the one that this folder is on, else main"
    )
    group.add_argument("--json", action="store_true", help="print one JSON document")
    group.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="when to use colour"
    )
    group.add_argument("--no-pager", action="store_true", help="never show long output in a pager")
    group.add_argument("-h", "--help", action="help", help="show this help")
    return parser


def session_of(arguments: argparse.Namespace) -> Session:
    """The session of these options, in this folder and environment. Raises `UsageError`."""
    if arguments.store == "":  # as of a shell's variable that is not set: another store was not meant
        raise UsageError("-s is followed by nothing, so no store is named")
    import os

    from backstory.session import Session

    return Session(
        os.getcwd(),  # noqa: PTH109 - pathlib is slow
        os.environ,
        store=arguments.store,
        branch=arguments.branch,
        app=getattr(arguments, "app", None),
    )


def wants_help(words: list[str]) -> bool:
    """Whether these words ask for help; asked before parsing, which may fail, and which changes the parser."""
    options = words[: words.index("--")] if "--" in words else words
    return "-h" in options or "--help" in options


def split(words: list[str]) -> tuple[str | None, list[str]]:
    """The verb and the words after it. Options of every verb may stand before the verb too: they move behind it."""
    before: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word in ("-h", "--help", "-V", "--version"):
            return word, [*before, *rest]
        before.append(word)
        if word in ("-s", "--store", "-b", "--branch", "--color"):
            before += [value for value in [next(rest, None)] if value is not None]
    if before:
        raise UsageError(f"there is no verb after {' '.join(before)}").hinted("Try: backstory --help")
    return None, []


def overview(groups: Mapping[str, Mapping[str, str]]) -> str:
    """The help of the whole command."""
    lines = ["usage: backstory VERB [options]", "", "An event database that works like Git.", ""]
    for title, verbs in groups.items():
        lines += [f"{title}:", *(f"  {verb:13}{summary}" for verb, summary in verbs.items()), ""]
    lines += [
        "The store is named by -s STORE, by BACKSTORY_STORE, or by `store` under [tool.backstory] in the nearest",
        "pyproject.toml. Every verb has --json. A verb's options and examples: backstory help VERB",
        "",
        "exit codes: 0 fine; 1 a check failed, or nothing was found; 2 a wrong command line, input or store",
    ]
    return "\n".join(lines)


def version() -> str:
    """The name and the version."""
    from importlib.metadata import version

    return f"backstory {version('backstory')}"

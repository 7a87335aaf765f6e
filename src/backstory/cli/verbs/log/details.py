"""Details that `log` shows of a commit with --stat, --patch and --format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from string import Formatter
from typing import TYPE_CHECKING, Any

from backstory.cli.exits import UsageError
from backstory.cli.show import changes, commits, times
from backstory.cli.show.text import count
from backstory.documents.differences import changes_document
from backstory.documents.states import name_of, reference_document
from backstory.history.ask.changes import changed
from backstory.told import plain, plain_lines

if TYPE_CHECKING:
    from argparse import Namespace

    from backstory.cli.show.output import Output
    from backstory.decide.state import State
    from backstory.history.ask.listing import Side
    from backstory.history.compare.diff import Difference
    from backstory.session import Session
    from backstory.values.commit import Commit

FIELDS = (
    *("hash", "short", "id", "author", "authored", "time", "message", "subject", "position", "first", "size"),
    *("command", "content", "names", "types", "tags"),
)
ESCAPES = {"\\n": "\n", "\\t": "\t", "\\\\": "\\"}

Changed = Iterator[tuple[str, dict[str, Any], "Difference"]]
"""A state or tag that differs: its name, its form in --json, and the differences."""


def more(
    arguments: Namespace, session: Session, out: Output
) -> tuple[Callable[[Side, Commit], Iterator[str]], Callable[[Side, Commit], dict[str, Any]]]:
    """The lines after a commit, and its additions to --json."""
    states = session.application.states if arguments.patch and session.has_application else ()

    def lines(side: Side, commit: Commit) -> Iterator[str]:
        if arguments.stat:
            yield from [] if arguments.oneline else [""]
            yield from stat(side, commit, out)
        if arguments.patch:
            for name, _, difference in patch(side, commit, states, arguments.tag):
                yield ""
                yield f"{commits.INDENT}{out.paint(plain(name), 'bold')}"
                yield from (f"{commits.INDENT}  {text}" for text in changes.painted(difference, out))

    def fields(side: Side, commit: Commit) -> dict[str, Any]:
        if not arguments.patch:
            return {}
        changed = [
            {**which, "changes": changes_document(difference)}
            for _, which, difference in patch(side, commit, states, arguments.tag)
        ]
        return {"changes": changed}

    return lines, fields


def stat(side: Side, commit: Commit, out: Output) -> Iterator[str]:
    """How many events of which type a commit has, and how much they are about."""
    types: Counter[str] = Counter()
    tags: set[str] = set()
    for event in side.events(commit):
        types[event.type] += 1
        tags.update(event.tags)
    width = max(map(len, types), default=0)
    for kind, number in types.most_common():
        bar = out.paint("+" * min(number, 40), "green")
        yield f"{commits.INDENT}{plain(kind):{width}} | {number:>5,} {bar}"
    kinds = f" of {count(len(types), 'type')}" if len(types) > 1 else ""
    yield f"{commits.INDENT}{count(sum(types.values()), 'event')}{kinds}, about {count(len(tags), 'tag')}"


def patch(side: Side, commit: Commit, states: tuple[type[State], ...], asked: list[str]) -> Changed:
    """The changes of a commit: of each state of the application; without one, of each tag; or of those asked for."""
    for each in changed(side.log, commit, states, asked, side.wanted.query):
        yield name_of(each.reference), reference_document(each.reference), each.difference


def formatter(text: str, names: Mapping[bytes, list[str]]) -> Callable[[Side, Commit], str]:
    """A function that writes a commit in the form that --format says. Nothing but these fields can be named in it."""
    text = re.sub(r"\\[nt\\]", lambda match: ESCAPES[match[0]], text)
    try:
        parts = list(Formatter().parse(text))
    except ValueError as wrong:
        raise UsageError(f"--format {text!r}: {wrong}") from wrong
    for _, name, spec, conversion in parts:
        if name is not None and (name not in FIELDS or conversion or "{" in (spec or "")):
            raise UsageError(
                f"--format has no {{{name}}}; it has {' '.join(f'{{{each}}}' for each in FIELDS)}"
            )

    def form(side: Side, commit: Commit) -> str:
        written = []
        for before, name, spec, _ in parts:
            written.append(before)
            if name is not None:
                value = _value(side, commit, name, names)
                try:
                    written.append(format(value, spec or ""))
                except ValueError as wrong:
                    raise UsageError(f"--format {{{name}:{spec}}}: {wrong}") from wrong
        return "".join(written)

    return form


def _value(side: Side, commit: Commit, name: str, names: Mapping[bytes, list[str]]) -> Any:
    """A field of --format."""
    value: Any
    match name:
        case "hash" | "content":
            value = getattr(commit, name).hex()
        case "short":
            value = commit.hash.hex()[: commits.SHORT]
        case "time" | "authored":
            value = times.local(getattr(commit, name)).replace(microsecond=0)
        case "subject":
            value = side.subjects.of(commit)
        case "message":
            value = plain_lines(commit.message.strip("\n"))
        case "command":
            value = commits.call(commit)
        case "names":
            value = ", ".join(names.get(commit.hash, ()))
        case "types":
            value = " ".join(dict.fromkeys(event.type for event in side.events(commit)))
        case "tags":
            events = side.events(commit)
            value = " ".join(dict.fromkeys(tag for event in events for tag in event.tags))
        case _:
            value = getattr(commit, name)
    return plain(value) if isinstance(value, str) and name != "message" else value

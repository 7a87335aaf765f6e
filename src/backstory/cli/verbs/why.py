"""`backstory why`: why a field has its value, back to the first cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from backstory.cli.exits import DIFFERENT, FINE, UsageError
from backstory.cli.parse import target
from backstory.cli.parse.parser import application_options
from backstory.cli.show import commits
from backstory.cli.show.text import count
from backstory.cli.show.times import human
from backstory.cli.show.value import shown
from backstory.documents.states import name_of
from backstory.documents.why import why_document
from backstory.failing import theirs
from backstory.history.forget.withholding import names_of
from backstory.subject import Subjects
from backstory.told import pasted, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.history.ask.decided_on import DecidedOn, Part
    from backstory.history.ask.ways import Way
    from backstory.history.ask.why import Had, Why
    from backstory.session import Session
    from backstory.values.commit import Commit

EXAMPLES = """\
backstory why Account a-7 balance
backstory why Account a-7 balance --at main~1
backstory why account:a-7 cents --json
"""

TEXT = """\
The field stands last; one inside of another is lines.0.sku. The answer: the event that gave the value; its commit, by
whom and why; the command that decided it; the condition that it was decided on; the values that the command had read,
each with its event; and what caused the commit, the nearest cause first. The commands are those of the application.
Exit code 1: no event gave the field its value, so it has its default."""


def arguments(parser: ArgumentParser) -> None:
    """The state or tag with the field, and the revision."""
    parser.add_argument(
        "words",
        nargs="+",
        metavar=f"{target.WORDS} FIELD",
        help="a tag, or a state and its identity; then the field",
    )
    parser.add_argument("--at", metavar="REVISION", help="as it was then: '#12', main~3, @{yesterday}")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Ask, and show the answer."""
    *words, field = arguments.words
    if not words:
        raise UsageError("which field of which state? For example: backstory why Account a-7 balance")
    if not target.is_whole(session, words) and target.is_whole(session, arguments.words):
        asked = " ".join(map(plain, arguments.words))
        raise UsageError(
            f"which field of {asked}? It stands last; {pasted('blame', *arguments.words)} shows all fields"
        )
    reference = target.reference(session, words)
    commands = session.application.commands_by_name() if session.has_application else {}
    point = session.point(arguments.at or "HEAD")
    log = session.branches.view(point.chain)
    with theirs(reference):
        found = session.database.why(reference, field, arguments.at or "HEAD", commands=commands)
    subjects = Subjects(log)
    if out.json:
        out.document("why", **why_document(found, point.position, subjects))
    else:
        out.page()
        out.lines(told(found, subjects, out))
    return DIFFERENT if found.record is None else FINE


def told(found: Why, subjects: Subjects, out: Output) -> Iterator[str]:
    """The answer as lines."""
    field = out.paint(plain(found.part.pointer[1:].replace("/", ".")), "bold")
    yield f"{plain(name_of(found.reference))}  {field}: {shown(found.part.shown)}"
    record, commit = found.record, found.commit
    if record is None or commit is None:
        yield "  no event gave it: it is the default, or says which state it is"
        return
    tags = out.paint("  ".join(map(plain, record.stored.tags)), "green")
    yield f"  given by #{record.position} {out.paint(plain(record.type), 'bold')}  {tags}".rstrip()
    yield f"    {commits.data_line(record.stored)}"
    yield from _commit("  in ", commit, found.ways, subjects, out)
    yield from (f"  undone by {commits.line(each, subjects.of(each), out)}" for each in found.undone)
    if found.decided_on is not None:
        yield from _decided_on(found.decided_on)
    yield from _read(found)
    if not found.causes:
        yield "  no cause of it is recorded"
    for each in found.causes:
        if each.commit is None:
            yield f"  caused by {plain(each.id)}, which is not on this branch"
        else:
            yield from _commit("  caused by ", each.commit, each.ways, subjects, out)
    if found.earlier:
        yield f"  earlier causes are left out: {'backstory causes'} follows them"


def _commit(
    before: str, commit: Commit, ways: Iterable[Way], subjects: Subjects, out: Output
) -> Iterator[str]:
    yield f"{before}{commits.line(commit, subjects.of(commit), out)}"
    by = f" by {plain(commit.author)}" if commit.author else ""
    yield f"    on {human(commit.authored)}{by}"
    if called := commits.call_line(commit):
        yield f"    decided by {called}"
    if inputs := commits.inputs(commit):
        yield f"    with {inputs}"
    yield from (f"    {_way(way)}" for way in ways)
    if withheld := names_of(commit):
        yield f"    withheld: {', '.join(withheld)}"


def _way(way: Way) -> str:
    ids = ", ".join(map(plain, way.ids))
    by = plain(way.by)
    return {
        "reaction": f"the reaction or process {by} gave the command",
        "deadline": "a deadline that was set had come",
        "import": f"it was imported from {by}",
        "revert": f"it reverts {ids}",
        "redecided": f"a merge decided {ids} again{by and f', for {by}'}",
        "merge": f"it came by a merge of {by}",
        "cherry-pick": "it came by a cherry-pick",
    }[way.kind]


def _decided_on(found: DecidedOn) -> Iterator[str]:
    yield (
        f"  decided on everything up to #{found.after} that is"
        if found.after
        else "  decided on there being no"
    )
    for part in found.clauses[: commits.CLAUSES]:
        yield f"    {_part(part, found.after)}"
    if left := len(found.clauses[commits.CLAUSES :]) + found.left:
        yield f"    and {count(left, 'more part')}"
    if found.came is not None:
        yield f"    this did not hold: #{found.came.position} {plain(found.came.type)} had come before"


def _part(part: Part, after: int) -> str:
    types = " or ".join(map(plain, part.types)) or "any event"
    words = f"{types} with {' and '.join(map(plain, part.tags))}" if part.tags else types
    if not after:
        return words
    if part.last is None:
        return f"{words}: none"
    return f"{words}: {'more than ' if part.more else ''}{count(part.count, 'event')}, the last #{part.last}"


def _read(found: Why) -> Iterator[str]:
    if found.unknown:
        yield f"  the states that it had read are not known: {plain(found.unknown)}"
    for had in found.read:
        yield f"  it had read {plain(name_of(had.reference))}{'' if had.sources else ': ' + _nothing(had)}"
        width = max([len(_label(source.part.path)) for source in had.sources], default=0)
        for source in had.sources:
            event = f"#{source.event.position} {plain(source.event.type)}"
            yield f"    {_label(source.part.path):{width}}  {shown(source.part.shown)}  since {event}"
        if had.left:
            yield f"    and {count(had.left, 'more part')}"
    if found.left:
        yield f"  and {count(found.left, 'more state')}"


def _nothing(had: Had) -> str:
    return plain(had.unknown) or "nothing had happened to it"


def _label(path: Sequence[str | int]) -> str:
    return plain(".".join(map(str, path)))

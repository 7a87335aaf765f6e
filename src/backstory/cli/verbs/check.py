"""`backstory check`: what is missing, in vain or drifted in the event model of an application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError, answer
from backstory.cli.parse.model import model_options, read_model
from backstory.cli.parse.parser import application_options
from backstory.cli.show.text import count
from backstory.model.check import RULES, check, silences_of
from backstory.model.check.report import annotation, check_document
from backstory.schema import lock as locks
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.model.check import Finding
    from backstory.session import Session

EXAMPLES = """\
backstory check
backstory check --json
backstory check --format github
backstory check --rules
"""

TEXT = """\
Reads the code, the scenarios of the tests, the schema lock and the store, and says what does not fit: events that
nobody reads or gives, commands and refusals that no scenario tries, reactions without an end, boundaries that are too
wide or too narrow, types that no class knows. Exit code 1 if it finds something. A finding is accepted in
pyproject.toml, by code and element, with a reason: [[tool.backstory.check.silence]]"""


def arguments(parser: ArgumentParser) -> None:
    """The form of the output, and what is looked at."""
    parser.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="text; one JSON document, as --json; or workflow commands, which GitHub shows beside the lines",
    )
    parser.add_argument("--rules", action="store_true", help="list the rules, and check nothing")
    model_options(parser)
    application_options(parser)


def shows_data(_: Namespace) -> bool:
    """It shows names and numbers alone."""
    return False


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Check, and report."""
    if arguments.rules:
        return rules(out)
    if out.json and arguments.format == "github":
        raise UsageError("--json is --format json: take one of the two forms")
    model = read_model(arguments, session, out)
    folder = session.application_folder
    path = folder / locks.NAME
    lock = locks.read(path) if path.exists() else None
    settings = session.table("check")
    silences = [] if settings is None else silences_of(settings[1], settings[0])
    done = check(model, session.application, lock=lock, silences=silences)
    if out.json or arguments.format == "json":
        out.document("check", **check_document(model.app, done))
    elif arguments.format == "github":
        out.lines(map(annotation, done.findings))
    else:
        out.page()
        for finding in done.findings:
            show(finding, out)
        looked = f"{count(len(model.events), 'event')}, {count(len(model.commands), 'command')}"
        silent = f"; {len(done.silenced)} silenced" if done.silenced else ""
        verdict = out.paint("sound", "green") if not done.findings else out.paint("not sound", "red")
        out.line(f"{verdict}: {count(len(done.findings), 'finding')} in {looked}{silent}")
    return answer(not done.findings)


def show(finding: Finding, out: Output) -> None:
    """A finding in words: where, what, why it matters, and how to mend it."""
    place = f"{finding.place.file}:{finding.place.line}" if finding.place else "the application"
    out.line(f"{out.paint(plain(place), 'bold')} {out.paint(finding.code, 'yellow')} {plain(finding.what)}")
    out.line(f"    element  {plain(finding.element)}")
    out.line(f"    why      {finding.rule.why}")
    out.line(f"    mend     {finding.rule.mend}")


def rules(out: Output) -> int:
    """The rules."""
    if out.json:
        found = [
            {"code": code, "finds": rule.finds, "why": rule.why, "mend": rule.mend}
            for code, rule in RULES.items()
        ]
        out.document("rules", rules=found)
        return 0
    out.page()
    for code, rule in RULES.items():
        out.line(f"{out.paint(code, 'bold')} {rule.finds}")
        out.line(f"    why      {rule.why}")
        out.line(f"    mend     {rule.mend}")
    return 0

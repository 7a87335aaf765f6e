"""`backstory schema`: lock the published schemas of events, and check that the code keeps to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError, answer
from backstory.cli.parse import files
from backstory.cli.parse.parser import application_options
from backstory.cli.show.text import count
from backstory.documents.application import findings_document
from backstory.history.ask.summary import types
from backstory.schema import lock as locks
from backstory.schema.check import Finding, check
from backstory.schema.patterns import unmatched
from backstory.schema.stored import check_log
from backstory.stores import shown
from backstory.told import pasted, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from backstory.application import Application
    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory schema lock
backstory schema check
backstory schema check --sample 100 --json
backstory schema check --exact
"""

TEXT = """\
`lock` writes events.lock beside the application: names, versions, JSON Schemas and tags of its events. Commit
that file. `check` compares the code with it, and with the store if one is named: exit code 1 if stored
events could not be read as they were meant. It names the field and the remedy, and shows the upcaster to write.
`lock` refuses the same changes."""

STYLES = {"broken": "red", "warning": "yellow", "news": "green"}


def arguments(parser: ArgumentParser) -> None:
    """The action, the lock, and how strict it is."""
    parser.add_argument("action", choices=("lock", "check"), help="write the lock, or check against it")
    parser.add_argument("--lock", metavar="FILE", help="the lock; else events.lock beside the application")
    parser.add_argument(
        "--retire",
        action="append",
        default=[],
        metavar="EVENT",
        help="lock: an event that the code gave up; stores may have it, and it is read as Unknown",
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="check: fail also if the lock does not have all events of the code",
    )
    parser.add_argument(
        "--sample", type=int, metavar="N", help="check: also decode N stored events of each type and version"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="lock: also incompatible changes; for events that no store has yet",
    )
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Lock or check."""
    locking = arguments.action == "lock"
    if locking and (arguments.exact or arguments.sample is not None):
        raise UsageError("--exact and --sample belong to check, not to lock")
    if not locking and (arguments.force or arguments.retire):
        raise UsageError("--force and --retire belong to lock, not to check")
    if arguments.sample is not None and arguments.sample < 1:
        raise UsageError(f"--sample takes a number of events, not {arguments.sample}")
    path = Path(arguments.lock) if arguments.lock else session.application_folder / locks.NAME
    if locking:
        files.check_output(str(path), session.address if session.has_store else None)
    app = session.application
    if not app.events:
        raise UsageError(f"{app.name} has no events")
    return (
        lock(app, path, arguments, session, out) if locking else verdict(app, path, arguments, session, out)
    )


def lock(app: Application, path: Path, arguments: Namespace, session: Session, out: Output) -> int:
    """Write the lock, unless that would hide a break."""
    old = locks.read(path) if path.exists() else locks.Lock({})
    old = locks.retired(old, app.events, arguments.retire)
    found = check(old, app.events)
    broken = [finding for finding in found if finding.level == "broken"]
    written = not broken or arguments.force
    if written:
        locks.write(locks.updated(old, app.events, removed=arguments.force), path)
    if out.json:
        out.document(
            "lock", lock=str(path), written=written, events=len(app.events), findings=findings_document(found)
        )
    else:
        show([finding for finding in found if not written or finding.level != "broken"], out)
        if written:
            out.line(f"locked {count(len(app.events), 'event')} in {path}")
            _warn(broken, session, out)
        else:
            out.say(
                "backstory: nothing was locked; for events that no store has yet:"
                f" {pasted('schema', 'lock', '--force')}"
            )
    return answer(written)


def _warn(broken: Sequence[Finding], session: Session, out: Output) -> None:
    """Name the events of the store that were locked in another form than that in which they are stored."""
    if not broken or session.present_address is None:
        return
    stored = {(each.type, each.version): each.events for each in types(session.log)}
    for event, version in dict.fromkeys((finding.event, finding.version) for finding in broken):
        if number := stored.get((event, version)):
            out.say(
                f"backstory: the store has {count(number, 'event')} of {plain(event)} version {version}, from before"
                f" this change; to see whether the code reads them: {pasted('schema', 'check', '--sample', '100')}"
            )


def verdict(app: Application, path: Path, arguments: Namespace, session: Session, out: Output) -> int:
    """Check, and report."""
    lock = locks.read(path)
    found = [*check(lock, app.events), *unmatched(app.states)]
    address = session.present_address
    if address is not None:
        log = session.log
        with out.progress("reading", log.head().position) as tick:
            sample = arguments.sample or 0
            found += check_log(log, app.events, retired=lock.retired, sample=sample, progress=tick)
    elif arguments.sample is not None:
        raise UsageError("--sample decodes events of a store; name one with -s STORE")
    named = None if address is None else shown(address)
    failing = {"broken", "news"} if arguments.exact else {"broken"}
    bad = [finding for finding in found if finding.level in failing]
    if out.json:
        out.document(
            "check",
            lock=str(path),
            store=named,
            sound=not bad,
            events=len(app.events),
            findings=findings_document(found),
        )
        return answer(not bad)
    out.page()
    show(found, out)
    looked = count(len(app.events), "event") + (f", and {named}" if named else "")
    if bad:
        out.line(f"{out.paint('not sound', 'red')}: {count(len(bad), 'finding')} in {looked}")
    else:
        out.line(f"{out.paint('sound', 'green')}: {looked}")
    if any(finding.level == "news" for finding in found):
        out.flush()
        out.say(f"\nRecord the new schemas with: {pasted('schema', 'lock')}")
    return answer(not bad)


def show(found: list[Finding], out: Output) -> None:
    """Findings for people: the fields, the remedy, and the code to begin with."""
    for finding in found:
        level = out.paint(f"{finding.level:7}", STYLES[finding.level])
        name = out.paint(f"{plain(finding.event)} {finding.version}", "bold")
        out.line(f"{level} {name} {plain(finding.what)}")
        for difference in finding.differences:
            out.line(f"        {out.paint(plain(difference.place), 'bold')} {plain(difference.why)}")
        if finding.remedy:
            out.line(f"        {finding.remedy}")
        if finding.stub:
            out.line()
            out.lines(f"            {line}".rstrip() for line in finding.stub.splitlines())
            out.line()

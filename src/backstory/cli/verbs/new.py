"""`backstory new`: an application to begin with, and slices of it."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.scaffold import new_app, new_slice, write
from backstory.scaffold.slices import package_of
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory new app shop
backstory new app shop --web
backstory new slice place-order --gives OrderPlaced order customer cents:int
backstory new slice ship-order --gives OrderShipped order parcel --after OrderPlaced
backstory new slice thank --on OrderShipped --gives CustomerThanked order
backstory new slice orders --view OrderPlaced --view OrderShipped --dry-run
"""

TEXT = """\
`app` makes a folder with a project: settings, two slices as an example, their specifications, and AGENTS.md, which says
to people and assistants how to work on it. `slice` makes a folder in the application: with --gives a decision with its
event, whose fields follow (text, or str, int, float, bool, date, datetime, Decimal or UUID after a colon; the first
one says what the event is about); with --on also a reaction that executes it; with --view a state of existing events
and its table. All of it passes its tests and type checks as it is. No file is ever replaced."""


def arguments(parser: ArgumentParser) -> None:
    """The kind, the name, the parts of a slice."""
    parser.add_argument("kind", choices=("app", "slice"), help="a new application, or a slice of this one")
    parser.add_argument("name", metavar="NAME", help="its name, such as shop or place-order")
    parser.add_argument("fields", metavar="FIELD[:TYPE]", nargs="*", help="the fields of the event")
    parser.add_argument("--gives", metavar="EVENT", help="slice: the new event that the decision gives")
    parser.add_argument(
        "--after",
        metavar="EVENT",
        action="append",
        default=[],
        help="slice: refused before this event; may be repeated",
    )
    parser.add_argument(
        "--on", metavar="EVENT", help="slice: the event after which a reaction executes the command"
    )
    parser.add_argument(
        "--view",
        metavar="EVENT",
        action="append",
        default=[],
        help="slice: an event to show; may be repeated",
    )
    parser.add_argument("--state", metavar="CLASS", default="", help="slice: the name of the state of a view")
    parser.add_argument(
        "--web", action="store_true", help="app: with pages; its slices get theirs without being told"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the files, and write none")
    parser.add_argument(
        "--app",
        metavar="MODULE",
        help="the application; else BACKSTORY_APP, else [tool.backstory] app in pyproject.toml",
    )


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Make the files."""
    files, folder, then = (_app if arguments.kind == "app" else _slice)(arguments, session)
    if not arguments.dry_run:
        write(files, folder)
    shown = {os.path.relpath(folder / name, session.folder): text for name, text in files.items()}
    if out.json:
        parts = [{"path": path, "text": text} for path, text in shown.items()]
        out.document("files", written=not arguments.dry_run, files=parts)
        return 0
    for path, text in shown.items():
        out.line(f"{'would make' if arguments.dry_run else 'made'} {plain(path)}")
        if arguments.dry_run:
            out.lines(f"    {line}".rstrip() for line in text.splitlines())
    if not arguments.dry_run:
        out.say(f"\n{then}")
    return 0


def shows_data(_: Namespace) -> bool:
    """It shows code, and no data."""
    return False


def _app(arguments: Namespace, session: Session) -> tuple[Mapping[str, str], Path, str]:
    if any(
        (arguments.fields, arguments.gives, arguments.after, arguments.on, arguments.view, arguments.state)
    ):
        raise UsageError("events and fields belong to a slice: new slice NAME --gives EVENT FIELD ...")
    folder = Path(session.folder, arguments.name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{arguments.name} is there already; name another folder, or an empty one")
    return (
        new_app(folder.name, web=arguments.web),
        folder,
        f"Go on with its README.md: cd {quote(arguments.name)}",
    )


def _slice(arguments: Namespace, session: Session) -> tuple[Mapping[str, str], Path, str]:
    app = session.application
    folder = session.application_folder.joinpath(*package_of(app).split("."))
    if not folder.is_dir():
        raise UsageError(f"{app.name} is a module and no package; slices are folders of a package")
    files = new_slice(
        app,
        arguments.name,
        gives=arguments.gives or "",
        fields=arguments.fields,
        after=arguments.after,
        on=arguments.on or "",
        shows=arguments.view,
        state=arguments.state,
        web=(folder / "pages.py").exists(),
    )
    todo = (
        "Say what each event does to a row; a field that two events have is the last one's."
        if arguments.view
        else "Write its rules, the scenario of each first."
    )
    return files, folder, f"{todo}{untested(session.application_folder, folder)} Then run: python -m pytest"


def untested(project: Path, folder: Path) -> str:
    """The next step where pytest does not look for tests in the folder of the application; else nothing."""
    try:
        tool = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["tool"]
        paths = tool["pytest"]["ini_options"]["testpaths"]
        named = paths.split() if isinstance(paths, str) else list(map(str, paths))
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if not named or any(set(path) & set("*?[") or folder.is_relative_to(project / path) for path in named):
        return ""
    here = plain(folder.relative_to(project).parts[0])
    return f" pytest looks in {plain(', '.join(named))} alone, so add {here} to testpaths in pyproject.toml."

"""Which model a verb is about: the application, the scenarios of its tests, and what a store has seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backstory.model import model_of, scenarios
from backstory.model.observed import observed

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.model import Model
    from backstory.session import Session


def model_options(parser: ArgumentParser) -> None:
    """Options that name what is looked at beside the code."""
    parser.add_argument(
        "--scenarios",
        metavar="FILE",
        help=f"the scenarios of the tests, as `pytest --scenarios FILE` wrote them (default: {scenarios.NAME} beside"
        " the application)",
    )
    parser.add_argument("--no-store", action="store_true", help="do not look at the store")


def read_model(arguments: Namespace, session: Session, out: Output) -> Model:
    """The model. Raises `SessionError`, `ApplicationError`, `ModelError`."""
    app, folder = session.application, session.application_folder
    named = arguments.scenarios
    path = Path(named) if named else folder / scenarios.NAME
    told = scenarios.read(path) if named or path.exists() else None
    if told is not None and (changed := scenarios.changed(path, told)):
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        out.say(
            f"backstory: {path.name} is older than {changed[0]}{more}; run: pytest --scenarios {path.name}"
        )
    seen = None
    if not arguments.no_store and session.present_address is not None:
        log = session.log
        with out.progress("counting", log.head().position) as tick:
            seen = observed(log, session.store.caches, session.branch, tick)
    return model_of(app, folder, scenarios=None if told is None else told.scenarios, observed=seen)

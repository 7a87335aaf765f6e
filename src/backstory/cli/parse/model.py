"""Which model a verb is about: the application, the scenarios of its tests, and a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backstory.model import model_of, scenarios

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.model import Model
    from backstory.session import Session


def model_options(parser: ArgumentParser) -> None:
    """What is looked at beside the code."""
    parser.add_argument(
        "--scenarios",
        metavar="FILE",
        help=f"the scenarios of the tests, as `pytest --scenarios FILE` wrote them (default: {scenarios.NAME} beside"
        " the application)",
    )


def read_model(arguments: Namespace, session: Session) -> Model:
    """The model. Raises `SessionError`, `ApplicationError`, `ModelError`."""
    app, folder = session.application, session.application_folder
    named = arguments.scenarios
    path = Path(named) if named else folder / scenarios.NAME
    told = scenarios.read(path).scenarios if named or path.exists() else None
    return model_of(app, folder, scenarios=told)

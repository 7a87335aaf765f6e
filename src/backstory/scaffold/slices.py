"""A slice of an application, by the names of its events."""

from __future__ import annotations

from collections.abc import Sequence

from backstory.application import Application
from backstory.errors import ScaffoldError
from backstory.scaffold.change import change
from backstory.scaffold.event import NamedEvent, of
from backstory.scaffold.field import Field
from backstory.scaffold.view import view


def package_of(app: Application) -> str:
    """The package of an application, in which its slices are folders."""
    return app.name.partition(":")[0]


def new_slice(
    app: Application,
    name: str,
    *,
    gives: str = "",
    fields: Sequence[str] = (),
    after: Sequence[str] = (),
    on: str = "",
    shows: Sequence[str] = (),
    state: str = "",
    web: bool = False,
) -> dict[str, str]:
    """The files of a slice; paths are relative to the package's folder. Nothing is written.

    `gives` is a new event with these `fields`, written `cents:int`; `after`, `on` and `shows` are events of the
    application, by the name of the class or the stable one. With `web` it has a page.

    Raises `ScaffoldError`, and `ApplicationError` for an event that is not there.
    """
    if shows and (gives or fields or after or on):
        raise ScaffoldError(
            f"{name} either gives a new event, which may have fields, or shows events that are there"
        )
    if shows:
        return view(package_of(app), name, [_known(app, event) for event in shows], state=state, web=web)
    if not gives:
        raise ScaffoldError(f"{name} has neither an event that it gives nor one that it shows")
    if any(kind.cls.__name__ == gives for kind in app.events):
        raise ScaffoldError(f"{app.name} has an event {gives} already; a slice gives a new one")
    return change(
        package_of(app),
        name,
        gives,
        [Field.of(text) for text in fields],
        after=[_known(app, event) for event in after],
        on=_known(app, on) if on else None,
        web=web,
    )


def _known(app: Application, name: str) -> NamedEvent:
    named = [kind for kind in app.events if kind.cls.__name__ == name]
    return of(named[0] if len(named) == 1 else app.event(name))

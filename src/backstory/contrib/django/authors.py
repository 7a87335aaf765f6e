"""Who writes: the user of a request, else whoever runs this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import SynchronousOnlyOperation
from django.utils.module_loading import import_string

from backstory.contrib.django.conf import configured
from backstory.decide.context import user_of_machine, usually

if TYPE_CHECKING:
    from django.http import HttpRequest

LONGEST = 200
"""Characters of what comes from outside."""


def author_of(request: HttpRequest, known: Any = None) -> str:
    """The author of what a request writes: the name of its user; empty for somebody who has not logged in.

    `BACKSTORY["AUTHOR"]` names another function for it. `known` is the user whom an async request had at its beginning.
    """
    named = configured().author
    if named is not None:
        return str(cast("Callable[[HttpRequest], Any]", import_string(named))(request))[:LONGEST]
    try:
        return _name(getattr(request, "user", None))
    except SynchronousOnlyOperation:  # nobody has loaded the user here, and an event loop cannot wait
        return _name(known)


def _name(user: Any) -> str:
    return str(user.get_username())[:LONGEST] if user is not None and user.is_authenticated else ""


def begin() -> None:
    """Give what this process writes outside of requests an author: the user of the machine, and the program's name."""
    usually(author=user_of_machine(), process=process(sys.argv))


def process(argv: list[str]) -> str:
    """The name of this program, and the management command that it runs. Arguments may be secret, and are not told."""
    program = PurePath(argv[0]).name if argv and argv[0] else "python"
    manages = program in ("manage.py", "django-admin", "django-admin.py", "__main__.py")
    return f"{program} {argv[1]}" if manages and len(argv) > 1 and not argv[1].startswith("-") else program
